"""What can be asked of a run beside the answers: columns, folders, a time range, a version, many files, an engine."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import dataset

from core.adapters.store_local import LocalStore
from core.adapters.store_memory import MemoryStore
from core.domain.batch import Input, Options
from core.errors import BadInput, Refused, VersionMismatch
from core.hosts.engine_task import Elsewhere
from core.inference.predictor import load_predictor
from core.usecases import score_batch
from core.usecases.batch_progress import Meter, Progress
from core.usecases.score_batch import BatchResult, File, Means, score_files
from tests.unit.usecases.onnx_site import publish, table
from tests.unit.usecases.site import CODE, Clock

ROWS = 300


@pytest.fixture
def site(tmp_path: Path) -> Path:
    publish(tmp_path)
    for number in range(3):
        name = tmp_path / "in" / f"{number}.parquet"
        name.parent.mkdir(exist_ok=True)
        pq.write_table(table(100, 100 * number, bad=50), name, row_group_size=40)
    return tmp_path


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.tables.input_parts.PART_ROWS", 50)


def score(site: Path, output: str, options: Options = Options(), **others: Any) -> BatchResult:  # noqa: B008
    source = LocalStore(site / "in")
    files = [File(source, info) for info in source.list("")]
    means = Means(load_predictor, Clock(), CODE, engine=others.pop("engine", None), tell=others.pop("tell", len_of))
    models = LocalStore(site / "models")
    made = LocalStore(site / output)
    return score_files(files, "in/*", made, "", models=models, model="m", means=means, options=options, **others)


def len_of(_rows: int) -> None:
    """Nobody listens."""


def rows(site: Path, output: str) -> pa.Table:
    found: pa.Table = dataset.dataset(site / output, format="parquet", partitioning="hive").to_table()
    return found.sort_by("id")


def test_an_answer_has_id_time_version_and_what_the_model_says(site: Path) -> None:
    result = score(site, "out")
    assert (result.rows, result.quarantined) == (294, 6)
    found = rows(site, "out")
    columns = ["id", "at", "model_version", "label", "probability_no", "probability_yes"]
    assert found.column_names == columns
    assert len(found) == 294
    assert found["id"].null_count == found["probability_yes"].null_count == 0
    assert set(found["model_version"].to_pylist()) == {"v1"}


def test_many_files_are_one_run_whose_parts_do_not_meet(site: Path) -> None:
    result = score(site, "out")
    assert result.output[0] == "part-00000-00000.parquet"
    assert len(set(result.output)) == len(result.output) == 9
    again = score(site, "out")
    assert again == replace(result, seconds=None, read=None)
    (site / "in" / "1.parquet").unlink()
    with pytest.raises(Refused, match="choose another output"):
        score(site, "out")


def test_columns_are_kept_with_their_own_type(site: Path) -> None:
    score(site, "out", Options(keep=("region", "unused", "x")))
    found = rows(site, "out")
    assert found.column_names[2:5] == ["region", "unused", "x"]
    assert found["unused"].type == pa.int64()
    given = pa.concat_tables([pq.read_table(path) for path in sorted((site / "in").iterdir())])
    by_id = dict(zip(given["id"].to_pylist(), given["region"].to_pylist(), strict=True))
    assert found["region"].to_pylist() == [by_id[name] for name in found["id"].to_pylist()]


@pytest.mark.parametrize("by", [("region",), ("region", "label"), ("b",)])
def test_answers_are_divided_as_asked(site: Path, by: tuple[str, ...]) -> None:
    result = score(site, "out", Options(partition_by=by))
    assert all(key.count("=") == len(by) for key in result.output)
    found = rows(site, "out")
    assert len(found) == 294
    assert set(by) <= set(found.column_names)
    assert sorted(found["id"].to_pylist()) == sorted(set(found["id"].to_pylist()))


def test_a_value_that_is_no_folder_name_is_quoted_and_none_has_a_folder(site: Path) -> None:
    odd = pa.array(["a/b", None, "ü =%"] * 10)
    pq.write_table(table(30).drop_columns(["region"]).append_column("region", odd), site / "in" / "0.parquet")
    for name in ("1.parquet", "2.parquet"):
        (site / "in" / name).unlink()
    result = score(site, "out", Options(partition_by=("region",)))
    assert sorted(key.split("/")[0] for key in result.output) == [
        "region=%C3%BC%20%3D%25",
        "region=__HIVE_DEFAULT_PARTITION__",
        "region=a%2Fb",
    ]


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (Options(keep=("absent",)), "has no column 'absent'"),
        (Options(keep=("label",)), "column 'label' cannot be kept: an answer has a column of that name"),
        (Options(partition_by=("unused",)), "more than 20 different values"),
    ],
)
def test_what_cannot_be_met_is_refused(
    site: Path, monkeypatch: pytest.MonkeyPatch, options: Options, problem: str
) -> None:
    monkeypatch.setattr("core.tables.answer_files.MOST_VALUES", 20)
    with pytest.raises(BadInput, match=problem):
        score(site, "out", options)
    assert not (site / "out" / "_SUCCESS").exists()


def test_a_time_range_is_of_the_time_column(site: Path) -> None:
    """The first row is at the first second of 2026, and one follows each second."""
    result = score(site, "out", Options(since="2026-01-01T00:01:00Z", until="2026-01-01T01:03:20+01:00"))
    assert (result.rows + result.quarantined, result.outside) == (140, 160)
    times = rows(site, "out")["at"].to_pylist()
    assert (min(times).minute, max(times).minute, max(times).second) == (1, 3, 18)
    whole = score(site, "all")
    assert whole.rows + whole.quarantined == ROWS


def test_a_time_range_needs_a_time_column(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.domain.schema.Schema.from_json", _without_time(monkeypatch))
    with pytest.raises(BadInput, match="declares no time column"):
        score(site, "out", Options(since="2026-01-01"))


def _without_time(monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, Any]], Any]:
    from core.domain.schema import Schema  # noqa: PLC0415 - the original, before it is replaced

    original = Schema.from_json
    return lambda data: original({**data, "time": None, "drop": ["at"]})


def test_a_chosen_version_answers(site: Path) -> None:
    publish(site, "v2", serves=False)
    assert score(site, "out", version="v2").version == "v2"
    assert set(rows(site, "out")["model_version"].to_pylist()) == {"v2"}
    with pytest.raises(Refused, match="answers of version v2"):
        score(site, "out")


class Here:
    """An engine that does its tasks at once, each twice, the last first."""

    def __init__(self) -> None:
        self.tasks = 0

    def map(self, task: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
        for item in reversed(list(items)):
            self.tasks += 1
            task(item)
            yield task(item)


def elsewhere(site: Path, output: str, engine: Here) -> Elsewhere:
    files = [Input(info.key, info.version) for info in LocalStore(site / "in").list("")]
    url = f"file://{site}"
    return Elsewhere(engine, f"{url}/in", f"{url}/{output}", f"{url}/models", files)


@pytest.mark.parametrize(("many", "tasks"), [(1_000, 9), (2, 3)])
def test_an_engine_writes_the_same_bytes(site: Path, monkeypatch: pytest.MonkeyPatch, many: int, tasks: int) -> None:
    monkeypatch.setattr(score_batch, "MANY_FILES", many)
    here = score(site, "here")
    engine = Here()
    there = score(site, "there", engine=elsewhere(site, "there", engine))
    assert engine.tasks == tasks
    assert (there.rows, there.quarantined, there.output) == (here.rows, here.quarantined, here.output)
    assert files(site / "there") == files(site / "here")


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_an_engine_scores_the_version_of_a_file_that_the_run_began_with(site: Path) -> None:
    there = elsewhere(site, "there", Here())
    pq.write_table(table(7), site / "in" / "1.parquet")
    with pytest.raises(VersionMismatch):
        score(site, "there", engine=there)


def test_workers_of_other_code_are_refused(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    codes = iter(["one", "two", "two", "two"])
    monkeypatch.setattr("core.hosts.engine_task.code_version", lambda: next(codes))
    with pytest.raises(Refused, match="deploy the same on both"):
        score(site, "there", engine=elsewhere(site, "there", Here()))


def test_progress_tells_rows_speed_and_time_left(site: Path) -> None:
    told: list[Progress] = []
    seconds = iter(range(1_000))
    meter = Meter(told.append, lambda: float(next(seconds)), ROWS, every=2.0)
    score(site, "out", tell=meter.tell)
    assert [progress.rows for progress in told] == sorted(progress.rows for progress in told)
    assert told
    half = Progress(150, 3.0, ROWS)
    assert (half.rows_per_second, half.seconds_left) == (50.0, 3.0)
    facts = half.facts("m", 7.0)
    assert (facts["batch_rows"], facts["batch_rows_per_second"], facts["batch_seconds_left"]) == (150, 50.0, 3.0)
    named = {metric["Name"] for metric in facts["_aws"]["CloudWatchMetrics"][0]["Metrics"]}
    assert named <= set(facts)
    unknown = Progress(0, 0.0)
    assert (unknown.rows_per_second, unknown.seconds_left, str(unknown)) == (0.0, None, "0 rows, 0 rows/s")


def test_csv_and_json_lines_are_read_alike(site: Path) -> None:
    given = pa.concat_tables([pq.read_table(path) for path in sorted((site / "in").iterdir())])
    whole = io.StringIO()
    given.to_pandas().to_csv(whole, index=False)
    lines = given.to_pandas().to_json(orient="records", lines=True, date_format="iso")
    answers = []
    for name, text in (("a.csv", whole.getvalue()), ("a.jsonl", lines)):
        store, made = MemoryStore(), MemoryStore()
        store.put(name, text.encode())
        means = Means(load_predictor, Clock(), CODE)
        where = {"models": LocalStore(site / "models"), "model": "m", "means": means}
        result = score_files(
            [File(store, store.head(name))], name, made, "", options=Options(keep=("region",)), **where
        )
        assert (result.rows, result.quarantined) == (294, 6)
        answers.append([pq.read_table(io.BytesIO(made.get(key).data)).to_pylist() for key in result.output])
    flat = [[row for part in parts for row in part] for parts in answers]
    assert [row["id"] for row in flat[0]] == [row["id"] for row in flat[1]]
    assert [row["region"] for row in flat[0]] == [row["region"] for row in flat[1]]
    differences = [abs(one["probability_yes"] - two["probability_yes"]) for one, two in zip(*flat, strict=True)]
    assert max(differences) < 1e-6


def test_each_row_has_its_own_answer_in_whatever_order_they_are_asked(site: Path) -> None:
    for name in (site / "in").iterdir():
        name.unlink()
    asked = table(5_000)
    pq.write_table(asked, site / "in" / "large.parquet")
    score(site, "out")
    answered = rows(site, "out").sort_by("at")
    assert answered["id"].to_pylist() == asked["id"].to_pylist()
    x = asked["x"].to_numpy().astype(np.float32)
    np.testing.assert_allclose(answered["probability_yes"].to_numpy(), 1 / (1 + np.exp(-x)), atol=1e-6)
    assert answered["label"].to_pylist() == np.where(x > 0, "yes", "no").tolist()
