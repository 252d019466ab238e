from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from core.adapters.store_memory import MemoryStore
from core.tables import read_jsonl, records
from core.tables.plain_rows import PlainRows
from core.tables.read_jsonl import jsonl_batches


def lines(*rows: object) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def table(data: bytes) -> pa.Table | None:
    return PlainRows().read(data)


def test_plain_rows_are_read():
    found = table(lines({"a": 1, "b": "x", "c": True}, {"a": None, "d": 1.5}))
    assert found is not None
    assert found.to_pylist() == [
        {"a": 1, "b": "x", "c": True, "d": None},
        {"a": None, "b": None, "c": None, "d": 1.5},
    ]


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n", b"\n\n"])
def test_line_ends(end):
    found = table(b'{"a":1}\r\n{"a":2}' + end)
    assert found is not None
    assert found.to_pylist() == [{"a": 1}, {"a": 2}]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n",
        b'{"a":1}\n\n{"a":2}\n',
        b'{"a":1} {"a":2}\n',
        b'{"a":1}{"a":2}\n',
        b'{"a":\n1}\n{"a":2} {"a":3}\n',
        b'{"a":\n{"b":1}}\n',
        b' {"a":1}\n',
        b'{"a":1},\n{"a":2}\n',
        b'{"a":1}\n{"a":"x"}\n',
        b'{"a":1,"a":2}\n',
        b'{"a":[1]}\n',
        b'{"a":{"b":1}}\n',
        b'{"a":"\\ud800"}\n',
        b'{"a":18446744073709551616}\n',
        b'{"a":9007199254740993}\n{"a":0.5}\n',
        b'{"a":1e400}\n',
        b'{"a":tru\n',
        b"[1]\n",
        b"3\n",
    ],
)
def test_what_is_not_plain_is_left_to_be_read_line_by_line(data):
    assert table(data) is None


@pytest.mark.parametrize(("start", "end"), [(b"[", b"]"), (b'{"a":', b"}")])
def test_deep_nesting_never_reaches_the_parser(start, end):
    assert table(b'{"a":' + start * 1_000_000 + b"1" + end * 1_000_000 + b"}\n") is None


def test_texts_that_look_like_times_stay_texts():
    reader = PlainRows()
    for text in ("2013-05-01T06:30:00Z", "2013-05-01", "no time"):
        found = reader.read(lines({"a": text, "b": 1}))
        assert found is not None
        assert found.select(["a", "b"]).to_pylist() == [{"a": text, "b": 1}]


values = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.integers(-3, 3)
    | st.floats(allow_infinity=True)
    | st.text(max_size=4)
    | st.sampled_from(["2013-05-01", "2013-05-01T06:30:00Z", "{", "[", "}", "a\nb"])
    | st.just([1])
    | st.just({"b": 1})
)
columns = st.sampled_from([st.integers(-3, 3), st.floats(-3, 3), st.booleans(), st.text(max_size=4), values])


@st.composite
def sources(draw: Any) -> bytes:
    """Mostly rows whose columns have one type each, and now and then anything."""
    kinds = {name: draw(columns) for name in "abc"}
    rows = draw(st.lists(st.fixed_dictionaries({}, optional=kinds), min_size=1, max_size=8))
    return lines(*rows)


@settings(deadline=None, max_examples=300)
@given(sources(), st.sampled_from([16, 1 << 20]))
@example(b'{"c": 0, "a": "a long enough text"}\n{}\n', 16)
def test_both_ways_of_reading_tell_the_same(data, block):
    store = MemoryStore()
    info = store.put("m/rows/f.jsonl", data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(records, "BLOCK", block)
        quick = list(jsonl_batches(store, info, None, compressed=False))
        patch.setattr(read_jsonl.PlainRows, "read", lambda *_: None)
        slow = list(jsonl_batches(store, info, None, compressed=False))
    assert _told(quick) == _told(slow)


def _told(batches: list[Any]) -> list[Any]:
    """Rows without their nulls, since a column may be known from an earlier block; what is broken; what is named."""
    return [
        (
            [{name: str(value) for name, value in row.items() if value is not None} for row in raw.batch.to_pylist()],
            raw.rows.tolist(),
            raw.broken,
        )
        for raw in batches
    ]
