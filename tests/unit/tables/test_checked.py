from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.adapters.store_memory import MemoryStore
from core.domain.checks.rows import LONGEST_VALUE
from core.domain.schema import Feature, Schema
from core.errors import BadInput
from core.tables import records
from core.tables.arrow import Kind, dataset_schema
from core.tables.checked import Checked, checked_batches
from core.tables.parse import NULL_SPELLINGS

SCHEMA = Schema(
    model="m",
    task="binary",
    target="late",
    id="flight",
    time="scheduled",
    features=(
        Feature("distance", "number", min=0, max=6000),
        Feature("seats", "integer", nullable=True),
        Feature("origin", "category", values=("EWR", "JFK", "NA")),
        Feature("carrier", "category", nullable=True),
        Feature("weekend", "boolean", nullable=True),
    ),
    sensitive=("sex",),
    drop=("passenger",),
)
ROW: dict[str, Any] = {
    "flight": "F1",
    "scheduled": "2013-05-01T06:30:00Z",
    "distance": 100.5,
    "seats": 120,
    "origin": "EWR",
    "carrier": "UA",
    "weekend": False,
    "sex": "f",
    "late": "no",
}


def check(data: bytes, name: str = "f.csv", kind: Kind = "rows", schema: Schema = SCHEMA) -> list[Checked]:
    store = MemoryStore()
    return list(checked_batches(store, store.put(f"m/{kind}/{name}", data), schema, kind))


def as_csv(*rows: dict[str, Any]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]), quoting=csv.QUOTE_ALL)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def as_jsonl(*rows: dict[str, Any]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def as_parquet(*rows: dict[str, Any]) -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(list(rows)), file)
    return file.getvalue()


FORMATS = [(as_csv, "f.csv"), (as_jsonl, "f.jsonl"), (as_parquet, "f.parquet")]


def good(found: list[Checked]) -> list[dict[str, Any]]:
    return [row for batch in found for row in batch.good.drop_columns(["scheduled"]).to_pylist()]


def problems(found: list[Checked]) -> dict[int, set[tuple[str | None, str]]]:
    return {
        one.row: {(reason.column, reason.problem) for reason in one.reasons}
        for batch in found
        for one in batch.rejected
    }


@pytest.mark.parametrize(("encode", "name"), FORMATS)
def test_a_good_row_has_the_columns_of_the_dataset(encode, name):
    (found,) = check(encode({**ROW, "passenger": "Ada"}), name)
    assert found.good.schema == dataset_schema(SCHEMA)
    assert good([found]) == [{name: value for name, value in ROW.items() if name != "scheduled"}]
    assert found.good.column("scheduled")[0].value == int(datetime(2013, 5, 1, 6, 30, tzinfo=UTC).timestamp()) * 10**6
    assert found.rows.tolist() == [1]
    assert found.rejected == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"distance": "far"}, {("distance", "is not a number")}),
        ({"distance": "-1"}, {("distance", "is below the minimum 0")}),
        ({"distance": "6000.5"}, {("distance", "is above the maximum 6000")}),
        ({"distance": "inf"}, {("distance", "is infinite"), ("distance", "is above the maximum 6000")}),
        ({"distance": ""}, {("distance", "is missing")}),
        ({"seats": "1.5"}, {("seats", "is not a whole number")}),
        ({"origin": "XYZ"}, {("origin", "is not one of EWR, JFK, NA")}),
        ({"origin": "null"}, {("origin", "is missing")}),
        ({"weekend": "maybe"}, {("weekend", "is not true or false")}),
        ({"scheduled": "yesterday"}, {("scheduled", "is not an RFC 3339 time or date")}),
        ({"scheduled": ""}, {("scheduled", "is missing")}),
        ({"flight": ""}, {("flight", "is missing")}),
        ({"late": "NA"}, {("late", "is missing")}),
        (
            {"distance": "far", "origin": "", "late": ""},
            {("distance", "is not a number"), ("origin", "is missing"), ("late", "is missing")},
        ),
    ],
    ids=lambda value: str(sorted(value)),
)
def test_a_bad_row_is_told_all_its_reasons(changes, expected):
    found = check(as_csv(ROW, {**ROW, **changes}, ROW))
    assert problems(found) == {2: expected}
    assert [int(row) for batch in found for row in batch.rows] == [1, 3]


def test_null_where_it_is_allowed_is_good():
    found = check(as_csv({**ROW, "seats": "", "carrier": "NULL", "weekend": "nan", "sex": ""}))
    assert problems(found) == {}
    (row,) = good(found)
    assert [row[name] for name in ("seats", "carrier", "weekend", "sex")] == [None] * 4


def test_a_closed_set_may_list_what_else_says_null():
    (row,) = good(check(as_csv({**ROW, "origin": "NA"})))
    assert row["origin"] == "NA"


def test_only_csv_spells_null():
    (row,) = good(check(as_jsonl({**ROW, "carrier": "null"}), "f.jsonl"))
    assert row["carrier"] == "null"


def test_the_values_of_a_bad_row_are_kept_as_found_and_cut_short():
    (found,) = check(as_csv({**ROW, "distance": "x" * 5000, "passenger": "Ada"}))
    (rejected,) = found.rejected
    assert set(rejected.values) == set(ROW)
    assert rejected.values["seats"] == "120"
    assert rejected.values["distance"] == "x" * LONGEST_VALUE + "… (4,000 more characters)"


@pytest.mark.parametrize(
    "value",
    [pa.scalar(2**62, pa.timestamp("ns")), pa.scalar(2**60, pa.timestamp("ms")), pa.scalar(b"\xff"), pa.scalar([1]),
     pa.scalar({"a": float("nan")}), pa.scalar(float("inf")), pa.scalar(timedelta(1))],
    ids=lambda value: str(value.type),
)  # fmt: skip
def test_any_value_of_a_bad_row_can_be_told_as_json(value):
    table = pa.Table.from_pylist([{**ROW, "late": None}]).set_column(
        list(ROW).index("carrier"), "carrier", pa.array([value])
    )
    file = io.BytesIO()
    pq.write_table(table, file)
    (found,) = check(file.getvalue(), "f.parquet")
    (rejected,) = found.rejected
    json.dumps(rejected.to_json(), allow_nan=False)
    assert ("late", "is missing") in problems([found])[1]


@pytest.mark.parametrize(
    ("change", "kept"), [({}, False), ({"drop": ()}, True), ({"drop": (), "undeclared": "drop"}, False)]
)
def test_the_text_of_a_malformed_row_is_kept_only_if_nothing_personal_can_be_in_it(change, kept):
    schema = Schema.from_json({**SCHEMA.to_json(), **change})
    (found,) = check(as_csv(ROW) + b"Ada,Lovelace\n", schema=schema)
    (rejected,) = found.rejected
    assert rejected.row == 2
    assert ("Ada" in json.dumps(rejected.to_json())) == kept


@pytest.mark.parametrize(("encode", "name"), FORMATS)
def test_dropped_and_undeclared_columns_come_nowhere(encode, name):
    schema = Schema.from_json({**SCHEMA.to_json(), "undeclared": "drop"})
    private = {"passenger": "Ada", "phone": "555"}
    found = check(encode({**ROW, **private}, {**ROW, **private, "late": None}), name, schema=schema)
    assert len(good(found)) == 1
    assert "Ada" not in str([good(found), found])
    assert "555" not in str([good(found), [one.to_json() for batch in found for one in batch.rejected]])


@pytest.mark.parametrize(("encode", "name"), FORMATS)
def test_an_undeclared_column_is_refused_by_name_with_the_mends(encode, name):
    with pytest.raises(BadInput, match=r"'phone'.*drop.*undeclared: drop"):
        check(encode({**ROW, "phone": "555"}), name)


@pytest.mark.parametrize(("encode", "name"), FORMATS)
@pytest.mark.parametrize("column", ["late", "flight", "scheduled", "distance"])
def test_a_required_column_that_is_missing_is_named(encode, name, column):
    with pytest.raises(BadInput, match=f"no column '{column}'"):
        check(encode({other: value for other, value in ROW.items() if other != column}), name)


def test_a_nullable_column_may_be_missing():
    (row,) = good(check(as_csv({name: value for name, value in ROW.items() if name != "carrier"})))
    assert row["carrier"] is None


def test_an_undeclared_column_far_down_in_json_lines_is_refused_too(monkeypatch):
    monkeypatch.setattr(records, "BLOCK", 256)
    with pytest.raises(BadInput, match="'phone'"):
        check(as_jsonl(*[ROW] * 20, {**ROW, "phone": "555"}), "f.jsonl")


def test_a_header_alone():
    with pytest.raises(BadInput, match="has a header and no rows"):
        check(as_csv(ROW).splitlines(keepends=True)[0])


def test_an_unknown_format():
    with pytest.raises(BadInput, match=r"must end in \.csv"):
        check(b"", "f.xlsx")


def test_scored_rows_need_no_target_and_no_keys():
    wanted = {name: ROW[name] for name in ("distance", "origin")}
    (found,) = check(as_csv({**wanted, "late": "never read"}), kind="score")
    assert found.good.schema == dataset_schema(SCHEMA, "score")
    assert found.good.to_pylist()[0]["distance"] == 100.5
    assert "late" not in found.good.schema.names


def test_labels_say_what_they_label():
    found = check(b"flight,prediction_id,late\nF1,,yes\n,m.b.r.0.1,no\n,,yes\nF2,,\n", kind="labels")
    rows = [row for batch in found for row in batch.good.to_pylist()]
    assert rows == [
        {"flight": "F1", "prediction_id": None, "late": "yes"},
        {"flight": None, "prediction_id": "m.b.r.0.1", "late": "no"},
    ]
    assert set(problems(found)) == {3, 4}


def test_labels_are_spelled_alike_and_quantities_are_numbers():
    found = check(b"flight,late\nF1,TRUE\nF2,1.0\n", kind="labels")
    assert found[0].good.column("late").to_pylist() == ["true", "1"]
    numeric = Schema.from_json({**SCHEMA.to_json(), "task": "regression"})
    found = check(b"flight,late\nF1,12.5\nF2,soon\n", kind="labels", schema=numeric)
    assert found[0].good.column("late").to_pylist() == [12.5]
    assert problems(found) == {2: {("late", "is not a number")}}


def test_10_mb_cells_are_told_and_the_other_rows_read():
    found = check(as_csv(ROW, {**ROW, "carrier": "x" * (10 << 20)}, ROW))
    assert problems(found) == {2: {("carrier", "is longer than 4,096 bytes")}}
    assert len(good(found)) == 2


texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=8).filter(
    lambda text: text not in NULL_SPELLINGS
)
rows = st.fixed_dictionaries(
    {
        "flight": texts,
        "scheduled": st.datetimes(timezones=st.just(UTC)).map(lambda moment: moment.isoformat()),
        "distance": st.floats(0, 6000),
        "seats": st.none() | st.integers(-(2**63), 2**63 - 1),
        "origin": st.sampled_from(["EWR", "JFK", "NA"]),
        "carrier": st.none() | texts,
        "weekend": st.none() | st.booleans(),
        "sex": st.none() | texts,
        "late": st.sampled_from(["yes", "no", "1", "true"]),
    }
)


@settings(max_examples=60, deadline=None)
@given(st.lists(rows, min_size=1, max_size=12), st.sampled_from([64, 1 << 20]))
def test_every_format_tells_the_same_rows(found, block):
    expected = pa.Table.from_pylist(
        [{**row, "scheduled": datetime.fromisoformat(row["scheduled"])} for row in found], schema=dataset_schema(SCHEMA)
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(records, "BLOCK", block)
        for encode, name in FORMATS:
            read = check(encode(*found), name)
            assert problems(read) == {}
            assert pa.Table.from_batches(batch.good for batch in read) == expected


def test_empty_objects_are_rows_that_lack_everything(monkeypatch):
    """Even a block of nothing else is accounted for."""
    monkeypatch.setattr(records, "BLOCK", 16)
    lines = as_jsonl(ROW) + b"{}\n" * 20
    found = check(lines, "f.jsonl")
    assert len(good(found)) == 1
    assert [row.row for batch in found for row in batch.rejected] == list(range(2, 22))
