"""Text to typed values, a column at a time. What cannot be read becomes null; the caller tells it from what was null.

A value is read the same whatever stands beside it: the whole column is cast at once when that works, and otherwise
what Arrow refuses is found and set to null.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from .arrow import NUMBER, TIME
from .buffers import texts

NULL_SPELLINGS = ("", "NA", "N/A", "n/a", "NaN", "nan", "null", "NULL", "<NA>", r"\N")
"""What a cell of a CSV file may say for null, in any column; a closed set that lists one keeps it as a value."""

TRUE = texts(["true", "yes", "t", "1"])
FALSE = texts(["false", "no", "f", "0"])
LOCAL_TIME = pa.timestamp("us")

_NUMBER = r"(?i)^[+-]?(([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?|nan|inf|infinity)$"
_DAY = r"[0-9]{4}-((0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])|02-29|(0[13-9]|1[0-2])-(29|30)|(0[13578]|1[02])-31)"
_HOUR = r"([01][0-9]|2[0-3])"
_CLOCK = rf"{_HOUR}(:[0-5][0-9](:[0-5][0-9](\.[0-9]{{1,6}})?)?)?"
_ZONE = rf"(Z|[+-]{_HOUR}(:?[0-5][0-9])?)"
_ZONED_TIME = rf"^{_DAY}[T ]{_CLOCK}{_ZONE}$"
_LOCAL_TIME = rf"^{_DAY}([T ]{_CLOCK})?$"


def says_null(text: pa.Array, spellings: pa.Array) -> pa.Array:
    """Boolean mask of the values that are one of the spellings."""
    return pc.is_in(text, value_set=spellings)


def numbers(text: pa.Array) -> pa.Array:
    """Decimal and scientific notation, with spaces around it; float64, where NaN and infinity are as they are."""
    values = _cast_all(text, NUMBER)
    if values is not None and not pc.any(pc.is_nan(values)).as_py():
        return values
    return _cast_some(pc.ascii_trim_whitespace(text), NUMBER, _NUMBER)  # Arrow reads nan(anything) too


def booleans(text: pa.Array) -> pa.Array:
    """true, yes, t, 1 and false, no, f, 0 in any case, with spaces around them."""
    coded = text.dictionary_encode()
    words = pc.ascii_lower(pc.ascii_trim_whitespace(coded.dictionary))
    true = pc.is_in(words, value_set=TRUE)
    known = pc.or_(true, pc.is_in(words, value_set=FALSE))
    return pc.if_else(known, true, pa.scalar(None, pa.bool_())).take(coded.indices)


def times(text: pa.Array) -> pa.Array:
    """RFC 3339 times and dates; without a zone they are UTC. Digits beyond the microsecond are cut off."""
    values = _cast_all(text, _likely_kind(text))
    if values is not None:
        return values.cast(TIME)
    text = pc.ascii_upper(pc.ascii_trim_whitespace(text))
    text = pc.replace_substring_regex(text, r"(\.[0-9]{6})[0-9]+", r"\1")
    return pc.coalesce(
        _cast_some(text, TIME, _ZONED_TIME),
        _cast_some(text, LOCAL_TIME, _LOCAL_TIME).cast(TIME),
    )


def _likely_kind(text: pa.Array) -> pa.DataType:
    """How all values are written if they are written like the first: it is slow to fail on every one of them."""
    first = text.drop_null()[:1]
    zoned = pc.any(pc.match_substring_regex(first, _ZONED_TIME)).as_py()
    return TIME if zoned else LOCAL_TIME


def _cast_all(text: pa.Array, to: pa.DataType) -> pa.Array | None:
    """All values, or None if there is one that Arrow cannot cast."""
    try:
        return text.cast(to)
    except pa.ArrowInvalid:
        return None


def _cast_some(text: pa.Array, to: pa.DataType, pattern: str) -> pa.Array:
    """Cast the values that fit the pattern; what Arrow then still refuses is rare, such as 29 February 2025."""
    fits = pc.match_substring_regex(text, pattern)
    coded = pc.if_else(fits, text, pa.scalar(None, text.type)).dictionary_encode()
    return _cast_halves(coded.dictionary, to).take(coded.indices)


def _cast_halves(text: pa.Array, to: pa.DataType) -> pa.Array:
    values = _cast_all(text, to)
    if values is not None:
        return values
    if len(text) == 1:
        return pa.nulls(1, to)
    half = len(text) // 2
    return pa.concat_arrays([_cast_halves(text[:half], to), _cast_halves(text[half:], to)])
