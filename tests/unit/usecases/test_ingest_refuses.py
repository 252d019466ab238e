"""Files that cannot be used: each a clear sentence, and nothing lost."""

import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core.errors import BadInput, Transient
from core.ports import ObjectStore
from tests.faults import RecordingStore

from . import dropped
from .dropped import Site, gz, jsonl, row, rows

CSV = dropped.csv(rows(30))
HEADER = CSV.split(b"\n")[0] + b"\n"


def without(name: str) -> bytes:
    return dropped.csv([{key: value for key, value in one.items() if key != name} for one in rows(3)])


ACCENTED = dropped.csv([row(1, city="Ålesund")]).decode().encode("latin-1")


def parquet(**columns: pa.Array | list) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink)
    return sink.getvalue()


TWO = pa.table([pa.array([1]), pa.array([2])], names=["age", "age"])


def two_columns() -> bytes:
    sink = io.BytesIO()
    pq.write_table(TWO, sink)
    return sink.getvalue()


REFUSED = {
    "empty": ("may.csv", b"", "'churn/rows/may.csv' is empty; send a header and rows."),
    "empty jsonl": ("may.jsonl", b"\n \n", "'churn/rows/may.jsonl' is empty; send one JSON object a line."),
    "empty parquet": ("may.parquet", b"", "'churn/rows/may.parquet' is empty; send a Parquet file with rows."),
    "empty gzip": ("may.csv.gz", gz(b""), "'churn/rows/may.csv.gz' is empty"),
    "no bytes of gzip": ("may.csv.gz", b"", "'churn/rows/may.csv.gz' is empty"),
    "header only": ("may.csv", HEADER, "'churn/rows/may.csv' has a header and no rows; send the rows."),
    "parquet without rows": ("may.parquet", parquet(age=pa.array([], pa.int64())), "has a header and no rows"),
    "latin-1": ("may.csv", ACCENTED, f"is not UTF-8 at byte {ACCENTED.index(0xC5)}; save it as UTF-8"),
    "utf-16": ("may.csv", CSV.decode().encode("utf-16"), "is not UTF-8 at byte 0; save it as UTF-8 and send it again."),
    "utf-16 jsonl": ("may.jsonl", jsonl(rows(2)).decode().encode("utf-16"), "is not UTF-8 at byte 0"),
    "truncated gzip": (
        "may.csv.gz",
        gz(CSV)[:-20],
        "ends in the middle of its gzip stream; send the whole file again.",
    ),
    "not gzip": ("may.csv.gz", CSV, "is not gzip, or damaged"),
    "damaged gzip": ("may.csv.gz", gz(CSV)[:60] + b"\0\1\2\3" + gz(CSV)[64:], "is not gzip, or damaged"),
    "no parquet": ("may.parquet", CSV, "'churn/rows/may.parquet' is not a Parquet file, or damaged"),
    "truncated parquet": ("may.parquet", parquet(age=pa.array([1, 2, 3]))[:-9], "is not a Parquet file, or damaged"),
    "columns twice": ("may.csv", b"age,plan,age\n1,free,2\n", "has two columns named 'age'; rename or remove one."),
    "columns twice in parquet": ("may.parquet", two_columns(), "has two columns named 'age'"),
    "a column without name": ("may.csv", b"age,,plan\n1,2,3\n", "column 2 of 'churn/rows/may.csv' has no name"),
    "no target": ("may.csv", without("left"), "has no column 'left', which the spec requires; add it."),
    "no id": ("may.csv", without("customer"), "has no column 'customer', which the spec requires; add it."),
    "open quote": ("may.csv", CSV + b'"c-31,2', "ends inside quotes: one is opened after byte"),
    "no good row": (
        "may.csv",
        dropped.csv([row(1, age="x"), row(2, age="y")]),
        "has no row that can be used: age: is not",
    ),
    "target of nulls": (
        "may.csv",
        dropped.csv([row(1, left=None)]),
        "no row that can be used: left: is missing (1 rows)",
    ),
    "all null": (
        "may.csv",
        dropped.csv([row(n, age="NA") for n in (1, 2)]),
        "no row that can be used: age: is missing",
    ),
    "no objects": ("may.jsonl", b"1\n[2]\n", "has no row that can be used: row: is not a JSON object (2 rows)."),
    "unknown format": ("may.xlsx", b"PK", "is of no known format; its name must end in .csv, .csv.gz, .parquet"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_file_that_cannot_be_used(case):
    name, data, sentence = REFUSED[case]
    site = Site()
    key = site.drop(data, name)
    with pytest.raises(BadInput) as caught:
        site.ingest(key)
    told = str(caught.value)
    assert sentence in told
    assert "\n" not in told
    assert_nothing_lost(site, key, data, told)


def assert_nothing_lost(site: Site, key: str, data: bytes, told: str) -> None:
    assert site.stores["landing"].get(key).data == data
    receipt = site.receipt(key)
    assert (receipt.outcome, receipt.dataset, receipt.reason) == ("refused", None, told)
    report = site.report(receipt.source)
    assert report["refused"] == told
    assert report["source"] == {"key": key, "version": receipt.version}
    assert report["rejected"] == receipt.rejected == len(site.rejected(receipt))
    manifests = [info.key for info in site.stores["datasets"].list("") if info.key.endswith("manifest.json")]
    assert manifests == []
    before = site.state()
    with pytest.raises(BadInput) as again:
        site.ingest(key)
    assert str(again.value) == told
    assert site.state() == before


def test_a_target_that_is_text_cannot_be_a_quantity():
    site = Site(spec=dropped.spec(task="regression"))
    key = site.drop(CSV)
    with pytest.raises(BadInput, match=r"no row that can be used: left: is not a number \(30 rows\)") as caught:
        site.ingest(key)
    assert_nothing_lost(site, key, CSV, str(caught.value))


def test_a_cell_of_10_mb_is_one_bad_row():
    site = Site()
    receipt = site.took(dropped.csv([row(1), row(2, city="x" * (10 << 20)), row(3)]))
    assert (receipt.rows, receipt.rejected) == (2, 1)
    assert site.reasons(receipt) == {2: {("city", "is longer than 4,096 bytes")}}
    (rejected,) = site.rejected(receipt)
    assert rejected["values"]["city"].endswith("… (10,484,760 more characters)")
    assert sum(info.size for info in site.stores["quarantine"].list("")) < 5_000


def test_a_record_beyond_the_limit_is_refused():
    site = Site()
    with pytest.raises(BadInput, match=r"has a record longer than 32 MiB at byte .*; is a quote left open"):
        site.took(CSV + b'"' + b"x" * (40 << 20))


def test_one_class_only_is_ingested_and_told_by_validation():
    site = Site()
    receipt = site.took(dropped.csv([row(number, left="no") for number in range(1, 31)]))
    report = site.validate(receipt.dataset)
    assert report.valid
    (warning,) = [check for check in report.checks if not check.passed]
    assert warning.detail == "every row has the same target: there is nothing to learn"


def test_a_nullable_column_without_any_value_is_ingested_and_told_by_validation():
    site = Site()
    receipt = site.took(dropped.csv([row(number, city=None) for number in range(1, 31)]))
    report = site.validate(receipt.dataset)
    assert report.valid
    (warning,) = [check for check in report.checks if not check.passed]
    assert (warning.check, warning.column, warning.severity) == ("has values", "city", "warning")


def test_what_was_rejected_before_the_end_is_kept_when_the_file_is_refused(monkeypatch):
    monkeypatch.setattr("core.tables.records.BLOCK", 1 << 10)
    site = Site()
    data = dropped.csv([row(1, age="x"), *rows(30)]) + b'"open'
    key = site.drop(data)
    with pytest.raises(BadInput, match="ends inside quotes") as caught:
        site.ingest(key)
    assert_nothing_lost(site, key, data, str(caught.value))
    assert site.reasons(site.receipt(key)) == {1: {("age", "is not a whole number")}}


class Replacing(RecordingStore):
    """Someone puts another file in the place when the n-th read of the content begins."""

    def __init__(self, inner: ObjectStore, at: int, data: bytes) -> None:
        super().__init__(inner, "landing")
        self.at, self.data = at, data

    def _call(self, verb, key, *arguments):
        if verb in {"stream", "get_range"}:
            self.at -= 1
            if self.at == 0:
                self.inner.put(key, self.data)
        return super()._call(verb, key, *arguments)


@pytest.mark.parametrize("name", ["may.csv", "may.parquet"])
@pytest.mark.parametrize("at", [1, 2])
def test_a_file_that_is_replaced_while_it_is_read_is_read_the_next_time(name, at):
    site = Site()

    def encoded(count: int) -> bytes:
        if name == "may.csv":
            return dropped.csv(rows(count))
        return parquet(**pa.Table.from_pylist(rows(count)).to_pydict())

    key = site.drop(encoded(30), name)
    wrapped = {"landing": Replacing(site.stores["landing"], at, encoded(40))}
    site.wrap = wrapped.get
    with pytest.raises(Transient, match=f"{name}' was replaced while it was read; try again"):
        site.ingest(key)
    assert [zone for zone, key in site.state() if zone == "reports"] == []
    assert site.ingest(key).rows == 40
