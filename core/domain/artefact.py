"""Reading what is stored as JSON with a format version: one way, and one sentence when it cannot be read."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from ..errors import Corrupt

T = TypeVar("T")


def read_artefact(data: bytes | str, what: str, newest: int, build: Callable[[dict[str, Any]], T]) -> T:
    """What `build` makes of the fields stored in `data`; `what` names it in sentences.

    Raises Corrupt if the format is newer than `newest`, or if `data` or a field is not what it should be.

    >>> read_artefact(b'{"format":2,"size":3}', "example", 2, lambda fields: fields["size"])
    3
    >>> read_artefact(b'{"format":3}', "example", 2, dict)
    Traceback (most recent call last):
    core.errors.Corrupt: example has format 3, beyond 2: update Tidemill.
    """
    try:
        fields: Mapping[str, Any] = json.loads(data)
        if fields["format"] > newest:
            raise Corrupt(f"{what} has format {fields['format']}, beyond {newest}: update Tidemill.")
        return build(dict(fields))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Corrupt(f"{what} cannot be read: {error!r}.") from error
