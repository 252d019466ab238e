"""Values of a source as plain JSON, for a person who looks at a rejected row."""

from __future__ import annotations

import math
from typing import TypeAlias

import pyarrow as pa
import pyarrow.types as kinds

from ..domain.checks.rows import shorten
from .arrow import TEXT

Shown: TypeAlias = str | int | float | bool | None


def shown(values: pa.Array) -> list[Shown]:
    """Numbers and truth values as they are, everything else as text, long text cut short."""
    kind = values.type
    if kinds.is_dictionary(kind):
        return shown(values.dictionary_decode())
    if kinds.is_boolean(kind) or kinds.is_integer(kind) or kinds.is_floating(kind):
        return [_number(value) for value in values.to_pylist()]
    return [None if value is None else shorten(value) for value in _texts(values)]


def _number(value: Shown) -> Shown:
    """JSON has no NaN and no infinity."""
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _texts(values: pa.Array) -> list[str | None]:
    try:
        return list(values.cast(TEXT).to_pylist())
    except pa.ArrowException:  # a list, an object, or bytes that are no text
        return [f"({values.type})" if valid else None for valid in values.is_valid().to_pylist()]
