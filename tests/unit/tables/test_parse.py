from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta, timezone

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.tables import parse


def texts(values: list[str | None]) -> pa.Array:
    return pa.array(values, pa.string())


def number(text: str) -> float | None:
    return parse.numbers(texts([text]))[0].as_py()


def instant(text: str) -> datetime | None:
    value = parse.times(texts([text]))[0]
    return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=value.value) if value.is_valid else None


@pytest.mark.parametrize(
    ("text", "value"),
    [("1", 1), ("-2.5", -2.5), ("+3", 3), (".5", 0.5), ("1.", 1), ("1e3", 1000), (" 7\t", 7), ("1e999", math.inf)],
)
def test_numbers(text, value):
    assert number(text) == value


@pytest.mark.parametrize("text", ["x", "1,5", "1_000", "0x10", "1e", "--1", "1.2.3", "nan(1)", "12abc", "½", "١"])
def test_what_is_no_number(text):
    assert number(text) is None


@settings(deadline=None)
@given(st.lists(st.floats(allow_infinity=False) | st.none(), max_size=20))
def test_every_float_is_read_as_written(values):
    read = parse.numbers(texts([None if value is None else repr(value) for value in values])).to_pylist()
    assert len(read) == len(values)
    assert all(
        a == b or (a is not None and math.isnan(a) and b is not None and math.isnan(b))
        for a, b in zip(read, values, strict=True)
    )


@pytest.mark.parametrize("text", ["true", "TRUE", "t", "Yes", "1", " true "])
def test_true(text):
    assert parse.booleans(texts([text])).to_pylist() == [True]


@pytest.mark.parametrize("text", ["false", "F", "No", "0", "FALSE"])
def test_false(text):
    assert parse.booleans(texts([text])).to_pylist() == [False]


@pytest.mark.parametrize("text", ["", "y", "2", "truee", "on"])
def test_neither_true_nor_false(text):
    assert parse.booleans(texts([text])).to_pylist() == [None]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2013-05-01", datetime(2013, 5, 1, tzinfo=UTC)),
        ("2013-05-01T06:30", datetime(2013, 5, 1, 6, 30, tzinfo=UTC)),
        ("2013-05-01 06:30:15", datetime(2013, 5, 1, 6, 30, 15, tzinfo=UTC)),
        ("2013-05-01T06:30:15Z", datetime(2013, 5, 1, 6, 30, 15, tzinfo=UTC)),
        ("2013-05-01t06:30:15z", datetime(2013, 5, 1, 6, 30, 15, tzinfo=UTC)),
        ("2013-05-01T06:30:15+02:00", datetime(2013, 5, 1, 4, 30, 15, tzinfo=UTC)),
        ("2013-05-01T06:30:15.5-0330", datetime(2013, 5, 1, 10, 0, 15, 500_000, tzinfo=UTC)),
        (" 2013-05-01T06:30:15.123456789Z ", datetime(2013, 5, 1, 6, 30, 15, 123_456, tzinfo=UTC)),
        ("0001-01-01", datetime(1, 1, 1, tzinfo=UTC)),
        ("9999-12-31", datetime(9999, 12, 31, tzinfo=UTC)),
    ],
)
def test_times(text, value):
    assert instant(text) == value


@pytest.mark.parametrize(
    "text",
    ["2013-02-30", "01.05.2013", "5/1/2013", "20130501", "1367389815", "2013-05-01T25:00", "2013-05-01T06:30:15 CET",
     "2013-05-01Z", "yesterday", "2013-13-01"],
)  # fmt: skip
def test_what_is_no_time(text):
    assert instant(text) is None


zones = st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
FIRST, LAST = datetime(1, 1, 3), datetime(9999, 12, 29)  # noqa: DTZ001 - hypothesis wants its bounds naive
moments = st.datetimes(FIRST, LAST, timezones=st.none() | zones)


@settings(deadline=None)
@given(st.lists(moments, max_size=8))
def test_every_time_is_read_as_written(values):
    expected = [value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC) for value in values]
    read = parse.times(texts([value.isoformat() for value in values]))
    micros = [(value - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) for value in expected]
    assert read.cast(pa.int64()).to_pylist() == micros


odd = [
    "1",
    "2.5",
    "+3",
    "nan",
    "inf",
    "NAN(1)",
    "x",
    "",
    "1e400",
    "2013-05-01",
    "2013-05-01T06:30Z",
    "2013-02-30",
    "0x1",
    None,
]


@pytest.mark.parametrize("read", [parse.numbers, parse.booleans, parse.times])
@settings(deadline=None)
@given(values=st.lists(st.sampled_from(odd), min_size=1, max_size=12))
def test_a_value_is_read_the_same_whatever_stands_beside_it(read, values):
    together = read(texts(values))
    alone = pa.concat_arrays([read(texts([value])) for value in values])
    assert [str(value) for value in together] == [str(value) for value in alone]


def test_null_spellings_are_exact_and_null_is_none_of_them():
    spellings = pa.array(list(parse.NULL_SPELLINGS))
    mask = parse.says_null(texts(["", "NA", "NaN", "na", "None", None, " "]), spellings)
    assert mask.to_pylist() == [True, True, True, False, False, False, False]
