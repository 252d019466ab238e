"""Send what the ring has sealed: at least once, and the cloud keeps each name once."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path
from typing import NamedTuple

from core.errors import Transient

from .ring import FOLDER, give_up, sealed
from .segment import SEALED

Put = Callable[[str, bytes], int]
"""Sends a segment by its name, create-only; the HTTP status of the answer. Raises Transient if it may succeed later."""

THERE = frozenset({HTTPStatus.CONFLICT, HTTPStatus.PRECONDITION_FAILED})
"""An earlier attempt came through, and its answer did not."""
HOPELESS = frozenset(
    {
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.NOT_FOUND,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        HTTPStatus.UNPROCESSABLE_ENTITY,
    }
)
"""The cloud will never take this segment."""

log = logging.getLogger(__name__)


class Uploaded(NamedTuple):
    """How many segments are in the cloud now, were refused for good, and are still to be sent."""

    sent: int
    refused: int
    left: int


def upload(root: Path, put: Put) -> Uploaded:
    """Send the segments of a device, the oldest first, and remove each that is done with.

    Ends at the first that cannot be sent now, since the next would not fare better; `put` keeps to the budget.
    """
    waiting = sealed(root / FOLDER)
    sent = refused = 0
    for path in waiting:
        with suppress(FileNotFoundError):  # it was given up for lack of room meanwhile
            status = _send(path, put)
            if status is None:
                break
            if status in HOPELESS:
                refused += 1
                give_up(path)
                continue
            path.unlink()
            sent += 1
    return Uploaded(sent, refused, len(waiting) - sent - refused)


def _send(path: Path, put: Put) -> int | None:
    """The status of the answer; None if this may fare better another time."""
    data = path.read_bytes()
    try:
        status = put(path.name.removesuffix(SEALED), data)
    except Transient as error:
        log.info("telemetry is sent another time: %s", error)
        return None
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES or status in THERE or status in HOPELESS:
        return status
    log.info("telemetry is sent another time: the answer was %d", status)
    return None
