from __future__ import annotations

import csv
import gzip
import io

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from core.adapters.store_memory import MemoryStore
from core.errors import BadInput
from core.tables import records
from core.tables.read_csv import csv_batches, find_separator


def read(data: bytes | str, wanted: set[str] | None = None, *, compressed: bool = False):
    """All batches of a CSV object."""
    store = MemoryStore()
    info = store.put("m/rows/f.csv", data.encode() if isinstance(data, str) else data)
    return list(csv_batches(store, info, wanted, compressed=compressed))


def rows(data: bytes | str, **options) -> list[tuple[str | None, ...]]:
    return [tuple(row.values()) for raw in read(data, **options) for row in raw.batch.to_pylist()]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_dialects(separator, ending, mark):
    text = ending.join(separator.join(row) for row in (("first", "second"), ("1", "ä"), ("2", "b"))) + ending
    (raw,) = read(mark + text.encode())
    assert raw.names == ("first", "second")
    assert raw.batch.to_pylist() == [{"first": "1", "second": "ä"}, {"first": "2", "second": "b"}]
    assert raw.rows.tolist() == [1, 2]


def test_quotes_hold_separators_line_ends_and_quotes():
    assert rows('a,b\r\n"x,\r\ny","say ""hi"""\r\n') == [("x,\r\ny", 'say "hi"')]


def test_a_quote_inside_a_bare_field_is_a_letter():
    assert rows('a,b\n5" pipe,1\n6" pipe,2\n') == [('5" pipe', "1"), ('6" pipe', "2")]


def test_decimal_commas_do_not_hide_the_separator():
    assert find_separator(b"price;qty\n1,5;2\n2,5;3\n") == ";"


def test_a_single_column_has_no_separator():
    assert rows("a\n1\n2\n") == [("1",), ("2",)]


def test_names_are_trimmed_and_values_are_not():
    (raw,) = read(" a , b\n 1,2 \n")
    assert raw.names == ("a", "b")
    assert raw.batch.to_pylist() == [{"a": " 1", "b": "2 "}]


def test_blank_lines_are_no_rows():
    (raw,) = read("\n\na,b\n1,2\n\n\n3,4\n\n")
    assert raw.batch.num_rows == 2
    assert raw.rows.tolist() == [1, 2]


def test_malformed_rows_are_told_and_the_others_read(monkeypatch):
    monkeypatch.setattr(records, "BLOCK", 16)
    found = read("a,b\n1,2\n3,4,5\n5,6\n7\n8,9\n")
    good = [int(row) for raw in found for row in raw.rows]
    broken = [(one.row, one.problem, one.text) for raw in found for one in raw.broken]
    assert len(found) > 1
    assert good == [1, 3, 5]
    assert broken == [(2, "has 3 fields, not 2", "3,4,5"), (4, "has 1 fields, not 2", "7")]


def test_only_wanted_columns_are_read():
    (raw,) = read("a,secret,b\n1,x,2\n", {"b", "a"})
    assert raw.names == ("a", "secret", "b")
    assert raw.batch.schema.names == ["a", "b"]


def test_nothing_wanted_reads_no_column():
    (raw,) = read("a,secret\n1,x\n", {"other"})
    assert raw.batch.schema.names == []
    assert raw.rows.tolist() == [1]


def test_gzip():
    assert rows(gzip.compress(b"a,b\n1,2\n"), compressed=True) == [("1", "2")]


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "'m/rows/f.csv' is empty"),
        (b"\xef\xbb\xbf", "is empty"),
        (b"\n \r\n", "is empty"),
        (b"a,a\n1,2\n", "has two columns named 'a'"),
        (b"a,,b\n1,2,3\n", "column 2 of 'm/rows/f.csv' has no name"),
        ("a,b\nä,1\n".encode("latin-1"), "is not UTF-8 at byte 4;"),
        ("a,b\n1,2\n".encode("utf-16"), "is not UTF-8 at byte 0;"),
        ("ä,b\n1,2\n".encode("latin-1"), "is not UTF-8 at byte 0;"),
        (b'a,b\n1,2\n3,"never closed\n5,6\n', "ends inside quotes: one is opened after byte 8"),
        (b"x" * 200_000 + b",b\n1,2\n", "the header of 'm/rows/f.csv' cannot be read"),
    ],
)
def test_files_that_cannot_be_read(data, problem):
    with pytest.raises(BadInput, match=problem):
        read(data)


def test_the_byte_that_is_not_utf8_is_counted_from_the_start_of_the_file(monkeypatch):
    monkeypatch.setattr(records, "BLOCK", 64)
    good = "a,b\n" + "ä,1\n" * 100
    with pytest.raises(BadInput, match=f"at byte {len(good.encode()) + 2};"):
        read(good.encode() + b"1,\xff\n")


def test_a_header_alone_has_no_batches():
    assert read("a,b\n") == []


def test_a_cell_of_10_mb_is_read():
    long = "x" * (10 << 20)
    assert rows(f'a,b\n1,2\n"{long}",3\n4,5\n') == [("1", "2"), (long, "3"), ("4", "5")]


cell = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)


@settings(deadline=None)
@given(
    table=st.lists(st.tuples(cell, cell, cell), min_size=1, max_size=20),
    separator=st.sampled_from(",;\t|"),
    ending=st.sampled_from(["\n", "\r\n"]),
    block=st.sampled_from([8, 64, 1 << 20]),
)
@example(table=[('"', ',"', "\r")], separator=",", ending="\n", block=8)
def test_what_python_writes_is_read_back(table, separator, ending, block):
    bare_return = any("\r" in value for row in table for value in row)  # Python leaves it without quotes
    quoting = csv.QUOTE_ALL if bare_return else csv.QUOTE_MINIMAL
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=separator, lineterminator=ending, quoting=quoting)
    writer.writerow(["one", "two", "three"])
    writer.writerows(table)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(records, "BLOCK", block)
        assert rows(text.getvalue()) == table
