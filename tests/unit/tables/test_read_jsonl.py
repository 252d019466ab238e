from __future__ import annotations

import gzip
import json
import math

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.adapters.store_memory import MemoryStore
from core.errors import BadInput
from core.tables import records
from core.tables.read_jsonl import jsonl_batches


def read(data: bytes | str, wanted: set[str] | None = None, *, compressed: bool = False):
    store = MemoryStore()
    info = store.put("m/rows/f.jsonl", data.encode() if isinstance(data, str) else data)
    return list(jsonl_batches(store, info, wanted, compressed=compressed))


def lines(*rows: object) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def test_rows_keep_their_types():
    (raw,) = read(lines({"a": 1, "b": "x", "c": True, "d": 1.5}, {"a": 2, "b": None, "c": False, "d": 2}))
    assert raw.batch.schema.types == [pa.int64(), pa.string(), pa.bool_(), pa.float64()]
    assert raw.batch.to_pylist()[1] == {"a": 2, "b": None, "c": False, "d": 2.0}
    assert raw.rows.tolist() == [1, 2]


def test_a_key_that_is_not_there_is_null():
    (raw,) = read(lines({"a": 1}, {"b": 2}))
    assert raw.names == ("a", "b")
    assert raw.batch.to_pylist() == [{"a": 1, "b": None}, {"a": None, "b": 2}]


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        ([1, "x"], ["1", "x"]),
        ([1.0, 2.5, "x", None], ["1", "2.5", "x", None]),
        ([True, 1], ["true", "1"]),
        ([2**70, 1], [str(2**70), "1"]),
        ([2**60 + 1, 1.5], [str(2**60 + 1), "1.5"]),
    ],
)
def test_values_of_several_types_are_text(values, texts):
    (raw,) = read(lines(*({"a": value} for value in values)))
    assert raw.batch.column("a").to_pylist() == texts


def test_a_mark_line_ends_blank_lines_and_a_last_line_without_end():
    (raw,) = read(b'\xef\xbb\xbf{"a": 1}\r\n\r\n  \n{"a": 2}')
    assert raw.batch.to_pylist() == [{"a": 1}, {"a": 2}]
    assert raw.rows.tolist() == [1, 2]


def test_gzip():
    (raw,) = read(gzip.compress(b'{"a": 1}\n'), compressed=True)
    assert raw.batch.to_pylist() == [{"a": 1}]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("{", "is not JSON: Expecting property name enclosed in double quotes"),
        ("[1]", "is not a JSON object"),
        ("3", "is not a JSON object"),
        ('{"a": "\\ud800"}', "has half a surrogate pair, which is no text"),
        ('{"a": ' + "9" * 5000 + "}", "is not JSON: a number of too many digits"),
        ('{"a": [1]}', "is a list or an object, not a value"),
        ('{"a": {"b": 1}}', "is a list or an object, not a value"),
        ("[" * 200_000, "is too deeply nested"),
    ],
    ids=lambda value: value[:30],
)
def test_lines_that_are_no_rows_are_told_and_the_others_read(line, problem):
    (raw,) = read('{"a": 1}\n' + line + '\n{"a": 3}\n')
    assert raw.batch.column("a").to_pylist() == [1, 3]
    assert raw.rows.tolist() == [1, 3]
    assert [(one.row, one.problem, one.text) for one in raw.broken] == [(2, problem, line)]


def test_a_whole_surrogate_pair_is_text():
    (raw,) = read('{"a": "\\ud83d\\ude00"}\n')
    assert raw.batch.to_pylist() == [{"a": "😀"}]


def test_only_wanted_columns_are_looked_into():
    (raw,) = read(lines({"a": 1, "secret": {"name": ["x"]}}), {"a"})
    assert raw.names == ("a", "secret")
    assert raw.batch.to_pylist() == [{"a": 1}]
    assert raw.broken == ()


@pytest.mark.parametrize("data", [b"", b"\n \n", b"\xef\xbb\xbf"])
def test_nothing_in_it(data):
    with pytest.raises(BadInput, match=r"'m/rows/f.jsonl' is empty"):
        read(data)


def test_the_byte_that_is_not_utf8(monkeypatch):
    monkeypatch.setattr(records, "BLOCK", 16)
    good = '{"a": "ä"}\n' * 9
    with pytest.raises(BadInput, match=f"is not UTF-8 at byte {len(good.encode()) + 7};"):
        read(good.encode() + b'{"a": "\xff"}\n')


values = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_infinity=False, allow_nan=False)


@settings(deadline=None)
@given(st.lists(values, min_size=1, max_size=12), st.sampled_from([8, 64, 1 << 20]))
def test_every_row_comes_once_and_in_order(found, block):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(records, "BLOCK", block)
        batches = read(lines(*({"place": place, "value": value} for place, value in enumerate(found))))
    assert [place for raw in batches for place in raw.batch.column("place").to_pylist()] == list(range(len(found)))
    assert [int(row) for raw in batches for row in raw.rows] == list(range(1, len(found) + 1))
    read_back = [value for raw in batches for value in raw.batch.column("value").to_pylist()]
    assert all(_same(back, value) for back, value in zip(read_back, found, strict=True))


def _same(back: object, value: object) -> bool:
    """Equal, or the text of it, as whole columns of several types are told."""
    if not isinstance(back, str):
        return back == value
    return back == json.dumps(value) or math.isclose(float(back), float(value), rel_tol=0)  # type: ignore[arg-type]
