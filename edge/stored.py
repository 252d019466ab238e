"""Reading JSON that strangers may have written: strictly, and one sentence when it cannot be read."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TypeVar

from core.domain.canonical import canonical_json
from core.errors import Corrupt, Unsupported

FORMAT = 1
MOST = 1024 * 1024
"""Bytes of the largest document that is read at all."""

T = TypeVar("T")


def read_strictly(data: bytes, what: str, build: Callable[[dict[str, Any]], T]) -> T:
    """What `build` makes of the object stored in `data`; `what` names it in sentences.

    Raises Corrupt if `data` is no object in canonical JSON, so that no byte of it can change unnoticed, or if a field
    is not what it should be; Unsupported if its format is a newer one.
    """
    if len(data) > MOST:
        raise Corrupt(f"{what} has {len(data):,} bytes, more than {MOST:,}.")
    try:
        fields = json.loads(data)
        if not isinstance(fields, dict) or canonical_json(fields) != data:
            raise Corrupt(f"{what} is not written as it was signed.")
        return build(fields)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Corrupt(f"{what} cannot be read: {type(error).__name__}: {str(error)[:200]}.") from error


def check_format(fields: dict[str, Any], what: str) -> None:
    """Raises Unsupported if this is of a newer format, Corrupt if of none that ever was."""
    found = fields["format"]
    if type(found) is not int or found < 1:
        raise Corrupt(f"{what} has format {str(found)[:20]!r}, which never was.")
    if found > FORMAT:
        raise Unsupported(f"{what} has format {found}, beyond {FORMAT}: update Tidemill.")
