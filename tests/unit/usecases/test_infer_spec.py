"""The spec that is guessed: without mistakes, and fit for the very file."""

import io
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from palmerpenguins import load_penguins, load_penguins_raw
from sklearn import datasets

from core.adapters.store_memory import MemoryStore
from core.errors import BadInput
from core.spec import ModelSpec
from core.specfile import check_spec
from core.usecases.infer_spec import infer_spec
from core.usecases.spec_text import quoted

from .dropped import Site, gz, jsonl

FLIGHTS = Path(__file__).parents[3] / "examples" / "flights"


def guess(data: bytes, target: str, name: str = "rows.csv") -> str:
    store = MemoryStore()
    return infer_spec(store, store.put(name, data), model="guessed", target=target)


def checked(text: str, folder: Path) -> ModelSpec:
    path = folder / "guessed.yaml"
    path.write_text(text, "utf-8")
    spec, mistakes = check_spec(path)
    assert not mistakes
    assert spec is not None
    return spec


def as_csv(frame: pd.DataFrame) -> bytes:
    return frame.to_csv(index=False).encode()


def bundled(name: str) -> bytes:
    return as_csv(getattr(datasets, f"load_{name}")(as_frame=True).frame)


REAL = {
    "penguins": (lambda: as_csv(load_penguins()), "species", "multiclass"),
    "penguins-sex": (lambda: as_csv(load_penguins().dropna(subset=["sex"])), "sex", "binary"),
    "penguins-mass": (lambda: as_csv(load_penguins().dropna(subset=["body_mass_g"])), "body_mass_g", "regression"),
    "penguins-raw": (lambda: as_csv(load_penguins_raw()), "Species", "multiclass"),
    "iris": (lambda: bundled("iris"), "target", "multiclass"),
    "wine": (lambda: bundled("wine"), "target", "multiclass"),
    "breast-cancer": (lambda: bundled("breast_cancer"), "target", "binary"),
    "diabetes": (lambda: bundled("diabetes"), "target", "regression"),
}


@pytest.mark.parametrize("name", REAL)
def test_a_real_file_is_fit_for_the_spec_that_was_guessed_from_it(name, tmp_path):
    make, target, task = REAL[name]
    data = make()
    spec = checked(guess(data, target), tmp_path)
    assert spec.task == task
    receipt = Site(spec=spec).took(data)
    assert receipt.rejected == 0
    assert receipt.rows == len(pd.read_csv(io.BytesIO(data)))


@pytest.mark.parametrize("path", sorted(FLIGHTS.glob("*.csv.gz")), ids=lambda path: path.name[:7])
def test_flights(path, tmp_path):
    data = path.read_bytes()
    spec = checked(guess(data, "late", path.name), tmp_path)
    assert (spec.task, spec.id, spec.time, spec.split.by) == ("binary", "flight_id", "scheduled", "time")
    assert Site(spec=spec).took(data, path.name).rejected == 0
    types = {feature.name: feature.type for feature in spec.features}
    assert types["carrier"] == "category"
    assert types["minute_of_day"] == "integer"
    assert types["temp"] == "number"


def frame(**columns: list) -> bytes:
    return as_csv(pd.DataFrame(columns))


X = [0.5 + number for number in range(100)]
CLASSES = ["a", "b"] * 50


def test_types_and_nulls_are_those_of_the_file(tmp_path):
    data = frame(
        y=CLASSES,
        number=["1.0", "", "2.5e3", "-7"] * 25,
        whole=["1", "-2", "0", "1000000"] * 25,
        truth=["true", "False", "", "TRUE"] * 25,
        code=["007", "012", "100", "001"] * 25,
        word=["yes", "no", "NA", "yes"] * 25,
    )
    spec = checked(guess(data, "y"), tmp_path)
    assert [(one.name, one.type, one.nullable) for one in spec.features] == [
        ("number", "number", True),
        ("whole", "integer", False),
        ("truth", "boolean", True),
        ("code", "category", False),
        ("word", "category", True),
    ]
    assert Site(spec=spec).took(data).rejected == 0


def test_what_cannot_be_learned_from_is_dropped_with_the_reason(tmp_path):
    stories = [f"a story of {number % 80}" for number in range(100)]
    constant, seen = ["same"] * 100, ["2026-01-01", ""] * 50
    data = frame(y=CLASSES, x=X, empty=[""] * 100, constant=constant, seen=seen, notes=stories, prediction=X)
    text = guess(data, "y")
    spec = checked(text, tmp_path)
    assert spec.drop == ("empty", "constant", "seen", "notes", "prediction")
    assert "no value in any row" in text
    assert "'same' in every row" in text
    assert Site(spec=spec).took(data).rejected == 0


def test_a_few_names_are_no_free_text(tmp_path):
    few = frame(y=["a", "b"] * 5, x=X[:10], name=[f"n{number // 2}" for number in range(10)])
    assert checked(guess(few, "y"), tmp_path).drop == ()


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"customer_id": range(100), "name": [f"n{n}" for n in range(100)]}, "customer_id"),
        ({"name": [f"n{n}" for n in range(100)], "ID": range(100)}, "ID"),
        ({"count": range(100), "code": [f"n{n}" for n in range(100)]}, "code"),
        ({"count": range(100)}, None),
        ({"customer_id": [*range(99), 0]}, None),
        ({"customer_id": [*(f"c{n}" for n in range(99)), ""]}, None),
        ({"paid": X}, None),
        ({"story": [f"{n} " + "x" * 80 for n in range(100)]}, None),
    ],
)
def test_the_id_is_unique_and_named_so_or_text(columns, expected, tmp_path):
    data = frame(y=CLASSES, x=X, **{name: list(values) for name, values in columns.items()})
    assert checked(guess(data, "y"), tmp_path).id == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["2026-01-01"] * 100, "when"),
        (["2026-01-01T10:00:00Z", "2026-01-01 10:00:00.5+02:00"] * 50, "when"),
        (["2026-01-01"] * 99 + [""], None),
        (["2026-01-01"] * 99 + ["soon"], None),
        ([2026] * 50 + [2025] * 50, None),
    ],
)
def test_the_time_is_one_in_every_row(values, expected, tmp_path):
    data = frame(y=CLASSES, x=X, when=values)
    spec = checked(guess(data, "y"), tmp_path)
    assert spec.time == expected
    assert spec.split.by == ("time" if expected else "random")
    assert Site(spec=spec).took(data).rejected == 0


@pytest.mark.parametrize(
    ("target", "task"),
    [
        ([1, 0] * 50, "binary"),
        (["1.0", "0.0"] * 50, "binary"),
        ([True, False] * 50, "binary"),
        (["x", "y", "z", "x"] * 25, "multiclass"),
        ([1, 2, 3, 4, 5] * 20, "multiclass"),
        ([0.5, 1.5, 2.5, 3.5] * 25, "regression"),
        (list(range(20)) * 5, "regression"),
        (list(range(50)) * 2, "regression"),
        ([f"class {number % 30}" for number in range(100)], "multiclass"),
    ],
)
def test_the_task_is_told_by_the_target(target, task, tmp_path):
    data = frame(x=X, y=target)
    spec = checked(guess(data, "y"), tmp_path)
    assert spec.task == task
    assert Site(spec=spec).took(data).rejected == 0


def test_rows_without_a_target_are_told(tmp_path):
    data = frame(x=X, y=["a", "b", "", "a"] * 25)
    text = guess(data, "y")
    assert "25 other rows" in text
    assert checked(text, tmp_path).train_when.rows == 75
    assert Site(spec=checked(text, tmp_path)).took(data).rejected == 25


def test_numbers_spoilt_by_a_few_cells_are_hinted_at(tmp_path):
    data = frame(y=CLASSES, x=X, age=["?", *range(1, 100)])
    text = guess(data, "y")
    assert "'?'" in text
    assert "leave those cells empty" in text


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.jsonl.gz", "rows.parquet"])
def test_other_formats(name, tmp_path):
    records = [
        {"id": n, "x": n / 3, "tags": ["a"], "more": {"b": 1}, "flag": n % 3 == 0, "y": CLASSES[n]} for n in range(60)
    ]
    records[7].pop("flag")
    data = jsonl(records)
    if name.endswith("parquet"):
        sink = io.BytesIO()
        pq.write_table(pa.Table.from_pylist(records), sink)
        data = sink.getvalue()
    data = gz(data) if name.endswith("gz") else data
    spec = checked(guess(data, "y", name), tmp_path)
    assert spec.id == "id"
    assert spec.drop == ("tags", "more")
    assert {one.name: (one.type, one.nullable) for one in spec.features} == {
        "x": ("number", False),
        "flag": ("boolean", True),
    }
    assert Site(spec=spec).took(data, name).rejected == 0


@pytest.mark.parametrize(
    ("data", "target", "sentence"),
    [
        (b"", "y", "'rows.csv' is empty"),
        (b"x,y\n", "y", "has a header and no rows"),
        (b"x,y\n1,a\n2,b\n", "z", "has no column 'z' to predict; it has 'x', 'y'."),
        (b"x,y\n1,a\n2,a\n", "y", "is 'a' in every row"),
        (b"x,y\n1,\n2,\n", "y", "has no value"),
        (b"z,y\n1,a\n1,b\n", "y", "has no column to learn from beside 'y'"),
        (b"x,y,\n1,a,2\n2,b,3\n", "y", "column 3 of 'rows.csv' has no name"),
        (b"x,x,y\n1,a,2\n2,b,3\n", "y", "two columns named 'x'"),
        (b"x," + b"n" * 201 + b",y\n1,a,2\n2,b,3\n", "y", "column name of 201 characters"),
        (as_csv(pd.DataFrame({"x": X, "y": [f"name {n}" for n in range(100)]})), "y", "neither a number nor a class"),
        ("x,y\n1,é\n2,b\n".encode("latin-1"), "y", "is not UTF-8 at byte 6"),
    ],
)
def test_what_cannot_be_guessed_from_is_one_sentence(data, target, sentence):
    with pytest.raises(BadInput, match=r"\A[^\n]*\Z") as caught:
        guess(data, target)
    assert sentence in str(caught.value)


def test_an_unknown_format_is_told():
    with pytest.raises(BadInput, match="of no known format"):
        guess(b"x", "y", "rows.xlsx")


@given(st.text(min_size=1, max_size=200))
@settings(max_examples=300)
def test_any_text_can_be_quoted(text):
    text = text.encode("utf-8", "ignore").decode()
    written = f"a: {{name: {quoted(text)}, type: number}}   # so\nb: [{quoted(text)}]\n"
    assert yaml.safe_load(written) == {"a": {"name": text, "type": "number"}, "b": [text]}


MISREAD = ["no", "null", "1e5", "~", "a: b", "a #b", "- x", "{", "ünï 😀", "it's", "a,b", "?", "12:30"]


@pytest.mark.parametrize("name", MISREAD)
def test_names_that_yaml_would_misread(name, tmp_path):
    records = [{name: f"{n % 7}", "y": CLASSES[n]} for n in range(60)]
    data = jsonl(records)
    spec = checked(guess(data, "y", "rows.jsonl"), tmp_path)
    assert [feature.name for feature in spec.features] == [name]
    assert Site(spec=spec).took(data, "rows.jsonl").rejected == 0
