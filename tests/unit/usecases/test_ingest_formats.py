"""Any table, written to any format, becomes the dataset that holds its values."""

import csv
import io
import json
import math
from contextlib import suppress
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import BadInput
from core.tables.arrow import dataset_schema
from core.tables.parse import NULL_SPELLINGS

from . import dropped
from .dropped import Site

SPEC = dropped.spec(
    drop=[],
    sensitive=[],
    target="left",
    features=[
        {"name": "age", "type": "integer", "nullable": True},
        {"name": "income", "type": "number", "nullable": True},
        {"name": "city", "type": "category", "nullable": True},
        {"name": "mobile", "type": "boolean", "nullable": True},
    ],
)
SCHEMA = dataset_schema(SPEC.columns)

letters = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
texts = st.text(letters, min_size=1, max_size=12).filter(lambda text: text not in NULL_SPELLINGS)
instants = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30)).map(lambda time: time.replace(tzinfo=UTC))  # noqa: DTZ001
record = st.fixed_dictionaries(
    {
        "customer": texts,
        "since": instants,
        "age": st.none() | st.integers(-(2**53) + 1, 2**53 - 1),
        "income": st.none() | st.floats(allow_nan=False, allow_infinity=False),
        "city": st.none() | texts,
        "mobile": st.none() | st.booleans(),
        "left": st.sampled_from(["yes", "no", "maybe so"]),
    }
)
tables = st.lists(record, min_size=1, max_size=20)


def as_csv(records: list, separator: str = ",") -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, SCHEMA.names, delimiter=separator, quoting=csv.QUOTE_ALL)
    writer.writeheader()
    writer.writerows([{**one, "since": one["since"].isoformat()} for one in records])
    return text.getvalue().encode()


def as_jsonl(records: list) -> bytes:
    plain = [{**one, "since": one["since"].isoformat()} for one in records]
    return "".join(json.dumps({k: v for k, v in one.items() if v is not None}) + "\n" for one in plain).encode()


def as_parquet(records: list) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(records, SCHEMA), sink, row_group_size=7)
    return sink.getvalue()


@given(tables, st.sampled_from(",;\t|"))
@settings(max_examples=60, deadline=None)
def test_every_format_gives_the_same_dataset(records, separator):
    site = Site(spec=SPEC)
    expected = pa.Table.from_pylist(records, SCHEMA)
    for name, data in {
        "a.csv": as_csv(records, separator),
        "a.jsonl": as_jsonl(records),
        "a.parquet": as_parquet(records),
    }.items():
        receipt = site.took(data, name)
        assert receipt.rejected == 0, site.reasons(receipt)
        assert site.table(receipt).equals(expected), name


@given(st.lists(st.floats(), min_size=1, max_size=30))
@settings(max_examples=60, deadline=None)
def test_numbers_keep_their_value_to_the_last_bit(numbers):
    site = Site(spec=SPEC)
    base = {"customer": "c", "since": datetime(2026, 1, 1, tzinfo=UTC), "left": "no", "age": 1, "city": "x"}
    records = [{**base, "income": number, "mobile": True} for number in [1.0, *numbers]]
    kept = [None if math.isnan(number) else number for number in [1.0, *numbers] if not math.isinf(number)]
    for name, data in {
        "a.csv": as_csv(records),
        "a.jsonl": as_jsonl(records),
        "a.parquet": as_parquet(records),
    }.items():
        assert site.table(site.took(data, name))["income"].to_pylist() == kept


@given(st.binary(max_size=400), st.sampled_from(["a.csv", "a.csv.gz", "a.jsonl", "a.jsonl.gz", "a.parquet"]))
@settings(max_examples=300, deadline=None)
def test_any_bytes_are_ingested_or_refused_in_a_sentence(data, name):
    """And nothing else comes of it: no other error."""
    site = Site(spec=SPEC)
    key = site.drop(data, name)
    with suppress(BadInput):
        site.ingest(key)
    assert site.receipt(key).outcome in {"ingested", "refused"}


noise = st.sampled_from([b'"', b",", b"\n", b"\r", b"a", b"1", b"\xff", b"\0", b" "])


@given(st.lists(noise, max_size=60).map(b"".join))
@settings(max_examples=300, deadline=None)
def test_any_csv_behind_a_good_header_has_each_row_in_one_place(tail):
    site = Site(spec=SPEC)
    good = {"customer": "c", "since": datetime(2026, 1, 1, tzinfo=UTC), "left": "no", "age": 1, "city": "x"}
    key = site.drop(as_csv([{**good, "income": 1, "mobile": True}] * 2) + tail)
    try:
        receipt = site.ingest(key)
    except BadInput:
        assert site.receipt(key).outcome == "refused"
        return
    places = [rejected["row"] for rejected in site.rejected(receipt)]
    assert len(places) == receipt.rejected
    assert sorted({*places, 1, 2}) == sorted([*places, 1, 2])
    assert receipt.rows >= 2
