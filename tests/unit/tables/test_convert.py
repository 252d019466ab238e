from __future__ import annotations

import math
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.tables.arrow import NUMBER, TEXT, TIME
from core.tables.convert import LONGEST_TEXT, canonical_labels, convert
from core.tables.parse import NULL_SPELLINGS

INTEGER, BOOLEAN = pa.int64(), pa.bool_()
NULLS = pa.array(list(NULL_SPELLINGS))
NAN, INF = math.nan, math.inf


def converted(raw: pa.Array, to: pa.DataType) -> tuple[list[Any], list[str | None]]:
    """Values, and the first problem of each."""
    found = convert(raw, to, NULLS)
    assert found.values.type == to
    problems: list[str | None] = [None] * len(raw)
    for mask, problem in found.wrong:
        assert mask.null_count == 0
        for place in pc.indices_nonzero(mask).to_pylist():
            problems[place] = problems[place] or problem
    values = [value.value if to == TIME else value.as_py() for value in found.values]
    return [None if problem else value for value, problem in zip(values, problems, strict=True)], problems


def arrays(*values: Any, kind: Any = None) -> pa.Array:
    return pa.array(list(values), kind)


DAY = int(datetime(2013, 5, 1, tzinfo=UTC).timestamp()) * 1_000_000
GOOD: list[tuple[pa.Array, pa.DataType, list[Any]]] = [
    (arrays("1.5", "NA", "", None), NUMBER, [1.5, None, None, None]),
    (arrays(1, None), NUMBER, [1.0, None]),
    (arrays(1.5, NAN, kind=pa.float32()), NUMBER, [1.5, None]),
    (arrays(1.5, kind=pa.float16()), NUMBER, [1.5]),
    (arrays(Decimal("1.25")), NUMBER, [1.25]),
    (arrays("1", "-2.0", "3e2", " 4 ", "null"), INTEGER, [1, -2, 300, 4, None]),
    (arrays("9223372036854775807", "9007199254740993", "2.0"), INTEGER, [2**63 - 1, 2**53 + 1, 2]),
    (arrays(1.0, NAN), INTEGER, [1, None]),
    (arrays(2**63 - 1, kind=pa.uint64()), INTEGER, [2**63 - 1]),
    (arrays(Decimal("7.00")), INTEGER, [7]),
    (arrays("Yes", "0", "NaN"), BOOLEAN, [True, False, None]),
    (arrays(1, 0, None), BOOLEAN, [True, False, None]),
    (arrays(1.0, 0.0, NAN), BOOLEAN, [True, False, None]),
    (arrays(True, None), BOOLEAN, [True, None]),
    (arrays("2013-05-01", "NA"), TIME, [DAY, None]),
    (arrays(date(2013, 5, 1)), TIME, [DAY]),
    (arrays(date(2013, 5, 1), kind=pa.date64()), TIME, [DAY]),
    (arrays(date(2013, 5, 1), kind=pa.date32()).cast(pa.timestamp("ns")), TIME, [DAY]),
    (arrays(DAY * 1000 + 999, kind=pa.timestamp("ns")), TIME, [DAY]),
    (arrays(DAY // 1_000_000, kind=pa.timestamp("s", "America/New_York")), TIME, [DAY]),
    (arrays("a", " b ", "NA", ""), TEXT, ["a", " b ", None, None]),
    (arrays(1, 2**60), TEXT, ["1", str(2**60)]),
    (arrays(1.0, 2.5, -0.0, NAN), TEXT, ["1", "2.5", "0", None]),
    (arrays(0.1, kind=pa.float32()), TEXT, ["0.1"]),
    (arrays(True, False), TEXT, ["true", "false"]),
    (arrays(date(2013, 5, 1)), TEXT, ["2013-05-01"]),
    (arrays("a", None, "a").dictionary_encode(), TEXT, ["a", None, "a"]),
    (arrays("a", kind=pa.large_string()), TEXT, ["a"]),
    (arrays("a", kind=pa.string_view()), TEXT, ["a"]),
    (arrays(b"a", None), TEXT, ["a", None]),
    (arrays(None, None), NUMBER, [None, None]),
    (arrays(None, [1]).slice(0, 1), TEXT, [None]),
]
BAD: list[tuple[pa.Array, pa.DataType, str]] = [
    (arrays("x"), NUMBER, "is not a number"),
    (arrays("inf"), NUMBER, "is infinite"),
    (arrays("1e999"), NUMBER, "is infinite"),
    (arrays(-INF), NUMBER, "is infinite"),
    (arrays(True), NUMBER, "is not a number"),
    (arrays(date(2013, 5, 1)), NUMBER, "is not a number"),
    (arrays("2.5"), INTEGER, "is not a whole number"),
    (arrays("9223372036854775808"), INTEGER, "is not a whole number"),
    (arrays("1e300"), INTEGER, "is not a whole number"),
    (arrays("inf"), INTEGER, "is not a whole number"),
    (arrays(2.5), INTEGER, "is not a whole number"),
    (arrays(2**63, kind=pa.uint64()), INTEGER, "is beyond 64 bits"),
    (arrays("maybe"), BOOLEAN, "is not true or false"),
    (arrays(2), BOOLEAN, "is not true or false"),
    (arrays(0.5), BOOLEAN, "is not true or false"),
    (arrays("1.5.2013"), TIME, "is not an RFC 3339 time or date"),
    (arrays(1367366400), TIME, "is not an RFC 3339 time or date"),
    (arrays(2**60, kind=pa.timestamp("s")), TIME, "is a time beyond what can be told in microseconds"),
    (arrays("é" * (LONGEST_TEXT // 2 + 1)), TEXT, "is longer than 4,096 bytes"),
    (arrays(INF), TEXT, "is infinite"),
    (arrays([1]), TEXT, "is a list<item: int64>, not a value"),
    (arrays({"a": 1}), NUMBER, "is a struct<a: int64>, not a value"),
    (arrays(b"\xff"), TEXT, "is a binary, not a value"),
]


@pytest.mark.parametrize(("raw", "to", "values"), GOOD, ids=lambda value: str(value)[:40])
def test_what_fits(raw, to, values):
    assert converted(raw, to) == (values, [None] * len(raw))


@pytest.mark.parametrize(("raw", "to", "problem"), BAD, ids=lambda value: str(value)[:40])
def test_what_does_not_fit(raw, to, problem):
    values, problems = converted(raw, to)
    assert problems == [problem]
    assert values == [None]


@pytest.mark.parametrize("to", [NUMBER, INTEGER, BOOLEAN, TIME, TEXT], ids=str)
@pytest.mark.parametrize(
    "kind",
    [pa.null(), pa.int8(), pa.uint64(), pa.float16(), pa.float64(), pa.bool_(), pa.string(), pa.binary(), pa.binary(3),
     pa.date32(), pa.date64(), pa.time32("s"), pa.time64("us"), pa.timestamp("ns", "UTC"), pa.duration("s"),
     pa.decimal128(9, 2), pa.list_(pa.int8()), pa.struct([("a", pa.int8())]), pa.map_(pa.string(), pa.int8()),
     pa.dictionary(pa.int8(), pa.string()), pa.large_string(), pa.month_day_nano_interval()],
    ids=str,
)  # fmt: skip
def test_null_is_null_in_any_type(kind, to):
    raw = pa.nulls(2, pa.string()).dictionary_encode() if pa.types.is_dictionary(kind) else pa.nulls(2, kind)
    assert converted(raw, to) == ([None, None], [None, None])


@settings(deadline=None)
@given(st.lists(st.integers(-(2**63), 2**63 - 1) | st.none(), max_size=20))
def test_every_integer_is_read_exactly_as_written(values):
    assert (
        converted(arrays(*(None if value is None else str(value) for value in values), kind=TEXT), INTEGER)[0] == values
    )


@pytest.mark.parametrize("to", [NUMBER, INTEGER, BOOLEAN, TIME, TEXT], ids=str)
@settings(deadline=None)
@given(
    values=st.lists(
        st.sampled_from(["1", "1.0", "2.5", "9007199254740993", "0x10", "1e5", "inf", "NA", "x", "t", "2013-05-01"]),
        max_size=10,
    )
)
def test_a_value_is_converted_the_same_whatever_stands_beside_it(to, values):
    together = converted(arrays(*values, kind=TEXT), to)
    alone = [converted(arrays(value, kind=TEXT), to) for value in values]
    assert together == ([value for (value,), _ in alone], [problem for _, (problem,) in alone])


def test_labels_are_spelled_alike_whatever_the_format():
    labels = arrays("True", "FALSE", "1.0", "-2.00", "2.5", "a.0", None, "x", "x")
    assert canonical_labels(labels).to_pylist() == ["true", "false", "1", "-2", "2.5", "a.0", None, "x", "x"]
