"""What becomes of a dropped file: rows in a dataset, rows in quarantine, a receipt."""

import csv
import io
from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core import layout
from core.domain.canonical import sha256
from core.errors import BadInput, NotFound
from core.tables.arrow import dataset_schema

from . import dropped
from .dropped import CODE, MODEL, Site, gz, jsonl, row, rows


def parquet(table: pa.Table | list) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table if isinstance(table, pa.Table) else pa.Table.from_pylist(table), sink)
    return sink.getvalue()


def test_good_rows_become_a_dataset_of_the_canonical_types():
    site = Site()
    receipt = site.took(dropped.csv(rows(3)))
    assert (receipt.outcome, receipt.rows, receipt.rejected, receipt.duplicate) == ("ingested", 3, 0, False)
    table = site.table(receipt)
    assert table.schema.equals(dataset_schema(site.spec.columns))
    assert table.slice(0, 1).to_pylist() == [
        {
            "customer": "c-1",
            "since": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
            "age": 31,
            "income": 1200.5,
            "plan": "free",
            "city": "Bath",
            "mobile": True,
            "sex": "f",
            "left": "yes",
        }
    ]


def test_the_manifest_tells_where_the_rows_came_from():
    site, data = Site(), dropped.csv([*rows(3), row(4, age="old")])
    receipt = site.took(data)
    manifest = site.manifest(receipt)
    head = site.stores["landing"].head("churn/rows/may.csv")
    assert (manifest.source.key, manifest.source.version) == (head.key, head.version)
    assert manifest.source.sha256 == sha256(data)
    assert (manifest.rows, manifest.rejected, manifest.kind, manifest.code) == (3, 1, "rows", CODE)
    assert manifest.schema == site.spec.columns
    parts = [site.stores["datasets"].get(layout.dataset_part(MODEL, manifest.version, 0)).data]
    assert [part.sha256 for part in manifest.parts] == [sha256(data) for data in parts]


def test_bad_rows_go_to_quarantine_each_with_all_its_reasons():
    site = Site()
    bad = [
        row(1, age="-1", plan="gold", income="many"),
        row(2),
        row(3, customer=None, since="soon", left=None),
        row(4, age="131", mobile="perhaps"),
        row(5, age="2.5", income="inf", city=None),
        row(6, age=None, plan="NA", city="x" * 4097),
    ]
    receipt = site.took(dropped.csv(bad))
    assert (receipt.rows, receipt.rejected) == (1, 5)
    assert site.reasons(receipt) == {
        1: {("age", "is below the minimum 0"), ("plan", "is not one of free, paid"), ("income", "is not a number")},
        3: {("customer", "is missing"), ("since", "is not an RFC 3339 time or date"), ("left", "is missing")},
        4: {("age", "is above the maximum 130"), ("mobile", "is not true or false")},
        5: {("age", "is not a whole number"), ("income", "is infinite")},
        6: {("age", "is missing"), ("plan", "is missing"), ("city", "is longer than 4,096 bytes")},
    }


def test_a_rejected_row_is_kept_as_it_was_found():
    site = Site()
    receipt = site.took(dropped.csv([row(1), row(2, age=" old ", city="Bath\n7", income="")]))
    (rejected,) = site.rejected(receipt)
    kept = {name: value for name, value in row(2).items() if name != "email"}
    assert rejected["row"] == 2
    assert rejected["values"] == {**kept, "age": " old ", "city": "Bath\n7", "income": ""}


def test_the_report_counts_the_reasons():
    site = Site()
    receipt = site.took(dropped.csv([row(1), row(2, age="x"), row(3, age="y"), row(4, plan="gold")]))
    assert site.report(receipt.source) == {
        "format": 1,
        "model": MODEL,
        "source": {"key": "churn/rows/may.csv", "version": receipt.version},
        "rows": 4,
        "rejected": 3,
        "reasons": {"age: is not a whole number": 2, "plan: is not one of free, paid": 1},
    }


def test_a_file_without_bad_rows_has_no_quarantine():
    site = Site()
    site.took(dropped.csv(rows(3)))
    assert list(site.stores["quarantine"].list("")) == []


def test_rows_of_too_many_or_too_few_fields_are_rejected_and_the_rest_read():
    site = Site(spec=dropped.spec(drop=[]))
    good = {name: value for name, value in row(1).items() if name != "email"}
    text = (
        dropped.csv([good]).decode()
        + "a,b\n"
        + ",".join(["x"] * 12)
        + "\n"
        + dropped.csv([good]).decode().split("\n")[1]
    )
    receipt = site.took(text.encode())
    assert (receipt.rows, receipt.rejected) == (2, 2)
    first, second = site.rejected(receipt)
    assert first == {
        "row": 2,
        "reasons": [{"column": None, "problem": "has 2 fields, not 9"}],
        "values": {"(row)": "a,b"},
    }
    assert (second["row"], second["reasons"][0]["problem"]) == (3, "has 12 fields, not 9")


@pytest.mark.parametrize("changes", [{}, {"drop": [], "undeclared": "drop"}])
def test_the_text_of_a_broken_row_is_not_kept_where_it_may_be_personal(changes):
    site = Site(spec=dropped.spec(**changes))
    receipt = site.took(dropped.csv(rows(2)) + b"anne@example.org,b\n")
    (rejected,) = site.rejected(receipt)
    assert rejected["values"] == {}


@pytest.mark.parametrize("name", ["may.csv", "may.csv.gz", "may.jsonl", "may.jsonl.gz", "may.parquet"])
@pytest.mark.parametrize("changes", [{}, {"drop": [], "undeclared": "drop"}])
def test_personal_columns_reach_neither_dataset_nor_quarantine(name, changes):
    site = Site(spec=dropped.spec(**changes))
    records = [row(1), row(2), row(3, age="anything")]
    data = {"csv": dropped.csv, "jsonl": jsonl, "parquet": parquet}[name.split(".")[1]](records)
    receipt = site.took(gz(data) if name.endswith("gz") else data, name)
    assert (receipt.rows, receipt.rejected) == (2, 1)
    assert "email" not in site.table(receipt).schema.names
    stored = b"".join(data for (zone, _), data in site.state().items() if zone != "landing")
    assert b"anne@example.org" not in stored
    assert b"anne" not in b"".join(map(str.encode, map(repr, site.table(receipt).to_pylist())))


def test_an_undeclared_column_is_refused():
    site = Site()
    with pytest.raises(BadInput, match="does not declare: 'shoe', 'hat'; declare them"):
        site.took(dropped.csv([row(1, shoe="42", hat="7")]))


def test_an_undeclared_column_is_removed_if_the_spec_says_so():
    site = Site(spec=dropped.spec(undeclared="drop"))
    receipt = site.took(dropped.csv([row(1, shoe="42"), row(2, shoe="43")]))
    assert "shoe" not in site.table(receipt).schema.names


def test_a_nullable_column_may_be_left_out_and_a_required_one_may_not():
    site = Site()
    short = [{name: value for name, value in one.items() if name not in {"city", "sex"}} for one in rows(2)]
    assert site.table(site.took(dropped.csv(short)))["city"].null_count == 2
    without = [{name: value for name, value in one.items() if name not in {"age", "since"}} for one in rows(2)]
    with pytest.raises(BadInput, match="has no column 'age', 'since', which the spec requires"):
        site.took(dropped.csv(without), "june.csv")


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_dialects_of_csv_give_one_table(separator, end, mark):
    site = Site()
    odd = row(2, city=f'a "quoted" {separator} cell')
    if end != "\r":
        odd["city"] += " of\nlines"
    records = [row(1), odd, row(3, city="Ålesund")]
    receipt = site.took(mark + dropped.csv(records, separator, end))
    assert site.table(receipt)["city"].to_pylist() == ["Bath", odd["city"], "Ålesund"]
    assert site.table(receipt).num_rows == 3


def test_bare_csv_as_pythons_writer_makes_it():
    site = Site()
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(row(1)))
    writer.writeheader()
    writer.writerows([row(1), row(2, city='say "hi", then\r\nleave'), row(3, city=None)])
    receipt = site.took(text.getvalue().encode())
    assert site.table(receipt)["city"].to_pylist() == ["Bath", 'say "hi", then\r\nleave', None]


def test_missing_keys_and_types_of_json_lines():
    site = Site()
    records = [
        row(1, age=31, income=7, mobile=True, left=True),
        row(2, age=32.0, income=None, mobile=None, left=False),
        {name: value for name, value in row(3, age="33", left="TRUE").items() if name not in {"city", "income"}},
        row(4, age=34, tags="x"),
        row(5, age=[35]),
        row(6, age={"years": 36}),
    ]
    records[3].pop("tags")
    receipt = site.took(jsonl(records) + b"\n  \n[1]\nno json\n", "may.jsonl")
    table = site.table(receipt)
    assert table["age"].to_pylist() == [31, 32, 33, 34]
    assert table["income"].to_pylist() == [7.0, None, None, 1200.5]
    assert table["mobile"].to_pylist() == [True, None, True, True]
    assert table["left"].to_pylist() == ["true", "false", "true", "no"]
    assert site.reasons(receipt) == {
        5: {("age", "is a list or an object, not a value")},
        6: {("age", "is a list or an object, not a value")},
        7: {(None, "is not a JSON object")},
        8: {(None, "is not JSON: Expecting value")},
    }


def test_types_of_parquet():
    site = Site(spec=dropped.spec(task="multiclass"))
    table = pa.table(
        {
            "customer": pa.array([7, 8, 9], pa.int32()),
            "since": pa.array([date(2026, 1, 2)] * 3),
            "age": pa.array([Decimal("31"), Decimal("32.00"), Decimal("33")], pa.decimal128(9, 2)),
            "income": pa.array([1, None, 3], pa.int16()),
            "plan": pa.array(["free", "paid", "free"]).dictionary_encode(),
            "city": pa.array(["Bath", None, "York"], pa.large_string()),
            "mobile": pa.array([1, 0, None], pa.int8()),
            "sex": pa.array([b"f", b"m", None]),
            "left": pa.array([1.0, 0.0, 2.0]),
        }
    )
    receipt = site.took(parquet(table), "may.parquet")
    assert receipt.rejected == 0
    assert site.table(receipt).to_pydict() == {
        "customer": ["7", "8", "9"],
        "since": [datetime(2026, 1, 2, tzinfo=UTC)] * 3,
        "age": [31, 32, 33],
        "income": [1.0, None, 3.0],
        "plan": ["free", "paid", "free"],
        "city": ["Bath", None, "York"],
        "mobile": [True, False, None],
        "sex": ["f", "m", None],
        "left": ["1", "0", "2"],
    }


def test_times_of_parquet_that_python_cannot_tell_are_quarantined_all_the_same():
    site = Site()
    records = rows(3)
    table = pa.Table.from_pylist(records)
    table = table.set_column(table.schema.names.index("since"), "since", pa.array([1, 2, 3], pa.timestamp("ns")))
    table = table.set_column(table.schema.names.index("age"), "age", pa.array([["x"], None, None]))
    receipt_error = pytest.raises(BadInput, match="has no row that can be used: age: is missing")
    with receipt_error:
        site.took(parquet(table), "may.parquet")
    receipt = site.receipt("churn/rows/may.parquet")
    first, second, _ = site.rejected(receipt)
    assert first["values"]["since"] == "1970-01-01 00:00:00.000000001"
    assert first["values"]["age"].startswith("(list<")
    assert second["values"]["age"] is None


def test_labels_keep_the_keys_and_the_target_alone():
    site = Site()
    records = [
        {"customer": "c-1", "left": "yes", "age": "31"},
        {"customer": None, "left": "no", "age": "32"},
        {"customer": "c-3", "left": None, "age": "33"},
    ]
    receipt = site.took(dropped.csv(records), drop="labels")
    assert site.manifest(receipt).kind == "labels"
    assert site.table(receipt).to_pylist() == [{"customer": "c-1", "prediction_id": None, "left": "yes"}]
    assert site.reasons(receipt) == {2: {("customer", "is missing")}, 3: {("left", "is missing")}}


def test_labels_by_prediction_id():
    site = Site(spec=dropped.spec(id=None))
    receipt = site.took(dropped.csv([{"prediction_id": "p", "left": "yes"}]), drop="labels")
    assert site.table(receipt).to_pylist() == [{"prediction_id": "p", "left": "yes"}]


def test_the_same_content_under_two_names_is_one_dataset():
    site = Site()
    first, second = site.took(dropped.csv(rows(5)), "a.csv"), site.took(dropped.csv(rows(5)), "b.csv")
    assert first.dataset == second.dataset
    assert (first.duplicate, second.duplicate) == (False, True)
    assert site.manifest(second).source.key.endswith("a.csv")
    assert len(list(site.stores["datasets"].list("", ""))) == 2


def test_the_same_content_of_another_kind_or_format_is_another_dataset():
    site = Site(spec=dropped.spec(undeclared="drop"))
    data = dropped.csv(rows(5))
    versions = {
        site.took(data).dataset,
        site.took(data, drop="labels").dataset,
        site.took(gz(data), "m.csv.gz").dataset,
    }
    assert len(versions) == 3


def test_versions_and_bytes_are_the_same_everywhere():
    data = dropped.csv([*rows(500), row(501, age="x")])
    first, second = Site(), Site()
    second.drop(b"something else first", "other.csv")
    one, other = first.took(data, "a.csv"), second.took(data, "b.csv")
    assert one.dataset == other.dataset
    assert [part.sha256 for part in first.manifest(one).parts] == [part.sha256 for part in second.manifest(other).parts]
    assert first.took(data, "c.csv").dataset == one.dataset


def test_the_version_depends_on_content_schema_and_code():
    data = dropped.csv(rows(5))

    def version(data=data, code=CODE, **changes):
        site = Site(spec=dropped.spec(**changes))
        return site.ingest(site.drop(data), code).dataset

    versions = [
        version(),
        version(dropped.csv(rows(6))),
        version(code="0.2.0"),
        version(sensitive=[], undeclared="drop"),
    ]
    assert len(set(versions)) == 4
    assert version(gates={"min": 0.9}, seed=3) == version()


def test_a_repeated_event_finds_the_receipt(monkeypatch):
    site = Site()
    key = site.drop(dropped.csv([*rows(3), row(4, age="x")]))
    receipt = site.ingest(key)
    before = site.state()
    monkeypatch.setattr("core.usecases.ingest.checked_batches", None)
    assert site.ingest(key) == receipt
    assert site.state() == before


def test_a_replaced_file_is_another_source():
    site = Site()
    first = site.took(dropped.csv(rows(3)))
    second = site.took(dropped.csv(rows(4)))
    assert first.source != second.source
    assert first.dataset != second.dataset


def test_a_file_is_read_again_when_the_columns_of_the_spec_have_changed():
    """On a store whose versions are hashes of content, dropping the same file again is no other version."""
    site = Site()
    key = site.drop(dropped.csv([row(number, shoe="42") for number in range(1, 4)]))
    with pytest.raises(BadInput, match="does not declare: 'shoe'"):
        site.ingest(key)
    site.spec = dropped.spec(drop=["email", "shoe"])
    receipt = site.ingest(key)
    assert receipt.rows == 3
    site.spec = dropped.spec(drop=["email", "shoe"], sensitive=[], undeclared="drop")
    assert site.ingest(key).dataset != receipt.dataset


@pytest.mark.parametrize("name", ["May (1) ümläut 日本.csv", "a b+c%20d.csv", "2026/05/a.csv", "x" * 150 + ".csv"])
def test_names_with_spaces_and_unicode(name):
    site = Site()
    receipt = site.took(dropped.csv([*rows(2), row(3, age="x")]), name)
    assert receipt.key == f"churn/rows/{name}"
    assert receipt.source.isascii()
    assert len(site.rejected(receipt)) == 1
    assert site.report(receipt.source)["source"]["key"] == receipt.key


def test_what_is_to_be_scored_is_not_ingested():
    site = Site()
    with pytest.raises(BadInput, match="is to be scored"):
        site.took(dropped.csv(rows(2)), drop="score")


def test_a_file_that_is_gone_is_not_found():
    with pytest.raises(NotFound):
        Site().ingest("churn/rows/gone.csv")


def test_many_bad_rows_are_cut_into_parts(monkeypatch):
    monkeypatch.setattr("core.usecases.quarantine.ROWS_A_PART", 10)
    site = Site()
    receipt = site.took(dropped.csv([row(number, age="x" if number % 2 else "5") for number in range(1, 46)]))
    keys = [info.key.rpartition("/")[2] for info in site.stores["quarantine"].list("")]
    assert keys == ["report.json", "rows-00000.jsonl", "rows-00001.jsonl", "rows-00002.jsonl"]
    assert [rejected["row"] for rejected in site.rejected(receipt)] == list(range(1, 46, 2))


def test_many_good_rows_are_cut_into_parts(monkeypatch):
    monkeypatch.setattr("core.tables.parts.PART_ROWS", 100)
    monkeypatch.setattr("core.tables.records.BLOCK", 1 << 12)
    site = Site()
    receipt = site.took(dropped.csv(rows(500)))
    manifest = site.manifest(receipt)
    assert len(manifest.parts) > 2
    assert sum(part.rows for part in manifest.parts) == 500
    assert site.table(receipt)["customer"].to_pylist() == [f"c-{number}" for number in range(1, 501)]
