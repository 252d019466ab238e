"""A column of a source to the type that the schema says, with what is wrong about each value that does not fit.

Text is parsed. Numbers, truth values and times that have a type already keep their value or are refused: nothing is
rounded, and no number becomes a time or a truth value except 0 and 1. For a text column they get their canonical
spelling: true, false, 1 for 1.0.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as kinds

from . import parse
from .arrow import NUMBER, TEXT, TIME
from .buffers import texts

NO_NUMBER = "is not a number"
EXACT = 2**53
"""Integers below this are exact as float64."""

LONGEST_TEXT = 4_096
"""Bytes of UTF-8 that a text value may have."""

INTEGER, BOOLEAN = pa.int64(), pa.bool_()


@dataclass(frozen=True, slots=True)
class Converted:
    """`values` [n] of the wanted type. `wrong` are masks [n], each with the problem of the values it marks.

    A marked value may be null in `values` or not; one that is null and not marked was null in the source. No mask
    stands for nothing: a column without a mask is clean.
    """

    values: pa.Array
    wrong: tuple[tuple[pa.Array, str], ...] = ()


def _marked(values: pa.Array, *wrong: tuple[pa.Array, str]) -> Converted:
    return Converted(values, tuple((mask, problem) for mask, problem in wrong if pc.any(mask).as_py()))


Converter: TypeAlias = Callable[[pa.Array], Converted]


def convert(raw: pa.Array, to: pa.DataType, nulls: pa.Array, *, coded: bool = False) -> Converted:
    """Convert to one of the types of a dataset. `nulls` are the texts that say null.

    With `coded`, text that came dictionary-encoded stays so if every text of its dictionary is as it should be.
    """
    if coded and to == TEXT and _is_clean_code(raw, nulls):
        return Converted(raw)
    plain = _plain(raw)
    if plain is None:
        return _marked(pa.nulls(len(raw), to), (raw.is_valid(), f"is a {raw.type}, not a value"))
    if plain.type == TEXT:
        if to == TEXT and _is_clean_text(plain, nulls):
            return Converted(plain)
        plain = _without(nulls, plain)
    if kinds.is_null(plain.type):
        return Converted(pa.nulls(len(raw), to))
    return CONVERTERS[to](plain)


def _is_clean_code(raw: pa.Array, nulls: pa.Array) -> bool:
    return kinds.is_dictionary(raw.type) and not raw.dictionary.null_count and _is_clean_text(raw.dictionary, nulls)


def _is_clean_text(text: pa.Array, nulls: pa.Array) -> bool:
    """Whether no value says null, and none is too long; where the empty text alone says null, lengths tell."""
    if text.type != TEXT:
        return False
    lengths = pc.min_max(pc.binary_length(text)).as_py()
    if lengths["max"] is not None and lengths["max"] > LONGEST_TEXT:
        return False
    if nulls.to_pylist() == [""]:
        return bool(lengths["min"] != 0)
    return not pc.any(parse.says_null(text, nulls)).as_py()


def _without(nulls: pa.Array, text: pa.Array) -> pa.Array:
    says = parse.says_null(text, nulls)
    return pc.if_else(says, pa.scalar(None, TEXT), text) if pc.any(says).as_py() else text


def canonical_labels(text: pa.Array) -> pa.Array:
    """Labels are spelled alike whatever the file format: true and false in lower case, 1 for 1.0.

    Works on the distinct values, of which labels have few.
    """
    coded = text.dictionary_encode()
    names = pc.replace_substring_regex(coded.dictionary, r"^(-?[0-9]+)\.0+$", r"\1")
    lower = pc.ascii_lower(names)
    names = pc.if_else(pc.is_in(lower, value_set=texts(["true", "false"])), lower, names)
    return names.take(coded.indices)


def _plain(raw: pa.Array) -> pa.Array | None:
    """Undo encodings, so that few types are left; None for what holds no single values, or no text."""
    kind = raw.type
    if kinds.is_dictionary(kind):
        return _plain(raw.dictionary_decode())
    if kinds.is_nested(kind) or kinds.is_duration(kind) or kinds.is_time(kind) or kinds.is_interval(kind):
        return None
    if kinds.is_large_string(kind) or kinds.is_string_view(kind):
        return raw.cast(TEXT)
    if kinds.is_binary(kind) or kinds.is_large_binary(kind) or kinds.is_fixed_size_binary(kind):
        return _decoded(raw)
    if kinds.is_decimal(kind) or kinds.is_float16(kind):
        return raw.cast(NUMBER)
    return raw


def _decoded(raw: pa.Array) -> pa.Array | None:
    try:
        return raw.cast(pa.binary()).cast(TEXT)
    except pa.ArrowInvalid:
        return None


def _number(raw: pa.Array) -> Converted:
    if raw.type == TEXT:
        values = parse.numbers(raw)
    elif kinds.is_integer(raw.type) or kinds.is_floating(raw.type):
        values = raw.cast(NUMBER, safe=False)
    else:
        return _all_wrong(raw, NUMBER, NO_NUMBER)
    if values.null_count == raw.null_count and _all_finite(values):
        return Converted(values)
    failed = _lost(raw, values)
    infinite = pc.fill_null(pc.is_inf(values), False)
    values = pc.if_else(pc.is_nan(values), pa.scalar(None, NUMBER), values)
    return _marked(values, (failed, NO_NUMBER), (infinite, "is infinite"))


def _all_finite(values: pa.Array) -> bool:
    """Told by the sum, in one pass: it is finite only if they all are."""
    total = pc.sum(values).as_py()
    return total is None or math.isfinite(total)


def _integer(raw: pa.Array) -> Converted:
    problem = "is not a whole number"
    if kinds.is_integer(raw.type):
        values = raw.cast(INTEGER, safe=False)
        if raw.type != pa.uint64():
            return Converted(values)
        return _marked(values, (pc.fill_null(pc.less(values, 0), False), "is beyond 64 bits"))
    if raw.type != TEXT and not kinds.is_floating(raw.type):
        return _all_wrong(raw, INTEGER, problem)
    as_number = _number(raw)
    exact = pc.and_(pc.less(pc.abs(as_number.values), EXACT), pc.equal(pc.floor(as_number.values), as_number.values))
    values = pc.if_else(exact, as_number.values, pa.scalar(None, NUMBER)).cast(INTEGER)
    if raw.type == TEXT:
        values = _with_large(values, raw, pc.greater_equal(pc.abs(as_number.values), EXACT))
    wrong = pc.and_(as_number.values.is_valid(), values.is_null())
    failed = [mask for mask, told in as_number.wrong if told == NO_NUMBER]
    return _marked(values, (functools.reduce(pc.or_, failed, wrong), problem))


def _with_large(values: pa.Array, text: pa.Array, large: pa.Array) -> pa.Array:
    """Fill in the integers that float64 cannot hold exactly, one by one: they are rare."""
    places = pc.indices_nonzero(pc.fill_null(large, False))
    if not len(places):
        return values
    exact = values.to_pylist()
    for place in places.to_pylist():
        exact[place] = _large_integer(text[place].as_py())
    return pa.array(exact, INTEGER)


def _large_integer(text: str) -> int | None:
    try:
        value = int(text) if len(text) < 32 else 2**63  # noqa: PLR2004 - no 64-bit integer is as long
    except ValueError:
        return None
    return value if -(2**63) <= value < 2**63 else None


def _boolean(raw: pa.Array) -> Converted:
    problem = "is not true or false"
    if kinds.is_boolean(raw.type):
        return Converted(raw)
    if raw.type == TEXT:
        values = parse.booleans(raw)
        return _marked(values, (_lost(raw, values), problem))
    if not (kinds.is_integer(raw.type) or kinds.is_floating(raw.type)):
        return _all_wrong(raw, BOOLEAN, problem)
    numbers = _number(raw).values
    known = pc.or_(pc.equal(numbers, 0), pc.equal(numbers, 1))
    values = pc.if_else(known, pc.equal(numbers, 1), pa.scalar(None, BOOLEAN))
    return _marked(values, (_lost(numbers, values), problem))


def _time(raw: pa.Array) -> Converted:
    problem = "is not an RFC 3339 time or date"
    if raw.type == TEXT:
        values = parse.times(raw)
        return _marked(values, (_lost(raw, values), problem))
    if not (kinds.is_timestamp(raw.type) or kinds.is_date(raw.type)):
        return _all_wrong(raw, TIME, problem)
    finer = getattr(raw.type, "unit", None) == "ns"
    try:
        return Converted(raw.cast(pa.timestamp("us", tz=getattr(raw.type, "tz", None)), safe=not finer).cast(TIME))
    except pa.ArrowInvalid:
        return _all_wrong(raw, TIME, "is a time beyond what can be told in microseconds")


def _text(raw: pa.Array) -> Converted:
    if kinds.is_floating(raw.type):
        return _number_text(raw)
    text = raw if raw.type == TEXT else raw.cast(TEXT)
    if kinds.is_boolean(raw.type) or kinds.is_integer(raw.type):
        return Converted(text)
    too_long = pc.fill_null(pc.greater(pc.binary_length(text), LONGEST_TEXT), False)
    return _marked(text, (too_long, f"is longer than {LONGEST_TEXT:,} bytes"))


def _number_text(raw: pa.Array) -> Converted:
    number = _number(raw)
    whole = pc.and_(pc.less(pc.abs(number.values), EXACT), pc.equal(pc.floor(number.values), number.values))
    integers = pc.if_else(whole, number.values, pa.scalar(None, NUMBER)).cast(INTEGER)
    other = pc.if_else(pc.is_nan(raw), pa.scalar(None, raw.type), raw).cast(TEXT)
    return Converted(pc.coalesce(integers.cast(TEXT), other), number.wrong)


def _lost(raw: pa.Array, values: pa.Array) -> pa.Array:
    """Where something was and nothing came of it."""
    return pc.and_(raw.is_valid(), values.is_null())


def _all_wrong(raw: pa.Array, to: pa.DataType, problem: str) -> Converted:
    return _marked(pa.nulls(len(raw), to), (raw.is_valid(), problem))


CONVERTERS: dict[pa.DataType, Converter] = {
    NUMBER: _number,
    INTEGER: _integer,
    BOOLEAN: _boolean,
    TIME: _time,
    TEXT: _text,
}
