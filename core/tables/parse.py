"""Text to typed values, a column at a time. What cannot be read becomes null; the caller tells it from what was null.

A value is read the same whatever stands beside it: the whole column is cast at once when that works, and otherwise
what Arrow refuses is found and set to null.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from .arrow import NUMBER, TIME

NULL_SPELLINGS = ("", "NA", "N/A", "n/a", "NaN", "nan", "null", "NULL", "<NA>", r"\N")
"""What a cell of a CSV file may say for null, in any column; a closed set that lists one of these keeps it as a value."""

TRUE = pa.array(["true", "yes", "t", "1"])
FALSE = pa.array(["false", "no", "f", "0"])
LOCAL_TIME = pa.timestamp("us")

_NUMBER = r"(?i)^[+-]?(\.?[0-9][0-9.e+-]*|nan|inf|infinity)$"
_TIME = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9:.]*(Z|[+-][0-9:]*)?)?$"
_ZONE = r"[T ].*(Z|[+-][0-9:]+)$"


def is_null(text: pa.Array, spellings: pa.Array) -> pa.Array:
    """Boolean mask of the values that are null or one of the spellings."""
    return pc.is_in(text, value_set=spellings, skip_nulls=False)


def numbers(text: pa.Array) -> pa.Array:
    """Decimal and scientific notation, with spaces around it; float64, where NaN and infinity are as they are."""
    text = pc.ascii_trim_whitespace(text)
    values = _cast(text, NUMBER, _NUMBER)
    if not pc.any(pc.is_nan(values)).as_py():
        return values
    known = pc.match_substring_regex(text, _NUMBER)
    return pc.if_else(known, values, pa.scalar(None, NUMBER))  # Arrow reads nan(anything) too


def booleans(text: pa.Array) -> pa.Array:
    """true, yes, t, 1 and false, no, f, 0 in any case, with spaces around them."""
    text = pc.ascii_lower(pc.ascii_trim_whitespace(text))
    known = pc.or_(pc.is_in(text, value_set=TRUE), pc.is_in(text, value_set=FALSE))
    return pc.if_else(known, pc.is_in(text, value_set=TRUE), pa.scalar(None, pa.bool_()))


def times(text: pa.Array) -> pa.Array:
    """RFC 3339 times and dates; without a zone they are UTC. Digits beyond the microsecond are cut off."""
    text = pc.ascii_trim_whitespace(text)
    for kind in (TIME, LOCAL_TIME):
        try:
            return text.cast(kind).cast(TIME)
        except pa.ArrowInvalid:
            continue
    text = pc.replace_substring_regex(pc.ascii_upper(text), r"(\.[0-9]{6})[0-9]+", r"\1")
    zoned = pc.match_substring_regex(text, _ZONE)
    nothing = pa.scalar(None, text.type)
    with_zone = _cast(pc.if_else(zoned, text, nothing), TIME, _TIME)
    without = _cast(pc.if_else(zoned, nothing, text), LOCAL_TIME, _TIME)
    return pc.coalesce(with_zone, without.cast(TIME))


def _cast(text: pa.Array, to: pa.DataType, pattern: str) -> pa.Array:
    """Cast what can be cast. All that Arrow can cast fits the pattern, which sorts out the plainly wrong quickly."""
    try:
        return text.cast(to)
    except pa.ArrowInvalid:
        fits = pc.match_substring_regex(text, pattern)
        return _cast_halves(pc.if_else(fits, text, pa.scalar(None, text.type)), to)


def _cast_halves(text: pa.Array, to: pa.DataType) -> pa.Array:
    try:
        return text.cast(to)
    except pa.ArrowInvalid:
        if len(text) == 1:
            return pa.nulls(1, to)
        half = len(text) // 2
        return pa.concat_arrays([_cast_halves(text[:half], to), _cast_halves(text[half:], to)])
