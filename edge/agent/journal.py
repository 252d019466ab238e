"""What happened to the models of this device: `journal.jsonl`, bounded, the newest last.

The state is the truth, and a power cut between the two loses a line here.
"""

from __future__ import annotations

import json
import logging
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from core.domain.canonical import canonical_json
from core.errors import NotFound, TidemillError

from . import files
from .clock import Clock

JOURNAL = "journal.jsonl"
EARLIER = "journal.1.jsonl"
MOST = 128 * 1024
"""Bytes after which the journal is begun anew; the one before is kept."""

Event = Literal["installed", "kept", "rolled back", "went back", "refused", "repaired"]

log = logging.getLogger(__name__)


def note(root: Path, clock: Clock, event: Event, release: str | None, reason: str = "") -> None:
    """Write down an event, unless it is the newest one once more. A journal that cannot be written stops nothing."""
    told = {"event": event, "release": release, "reason": reason}
    log.info("%s: %s %s", event, release, reason)
    try:
        if any(told.items() <= newest.items() for newest in recent(root, 1)):
            return
        _make_way(root)
        line = canonical_json({**told, "at": told_time(clock)})
        files.append(root / JOURNAL, [_after_torn(root / JOURNAL), line, b"\n"])
    except (OSError, TidemillError) as error:
        log.warning("the journal cannot be written: %s", error)


def recent(root: Path, most: int = 20) -> list[dict[str, Any]]:
    """The newest events, the newest last; a line that a power cut tore is passed over."""
    lines: list[bytes] = []
    for name in (EARLIER, JOURNAL):
        with suppress(NotFound):
            lines += files.read(root / name, 2 * MOST).splitlines()
    return [event for line in lines if (event := _event(line)) is not None][-most:]


def told_time(clock: Clock) -> str:
    """The time of day as the device believes it to be, RFC 3339; the first second of 1970 where it is beyond dates."""
    try:
        return datetime.fromtimestamp(clock.wall(), UTC).isoformat(timespec="seconds")
    except (OverflowError, ValueError, OSError):
        return datetime.fromtimestamp(0, UTC).isoformat(timespec="seconds")


def _make_way(root: Path) -> None:
    path = root / JOURNAL
    if path.exists() and path.stat().st_size >= MOST:
        files.remove(root / EARLIER)
        files.move(path, root / EARLIER)


def _after_torn(path: Path) -> bytes:
    """What ends the line before, which a power cut may have torn."""
    if not path.exists():
        return b""
    return b"" if files.read(path, 2 * MOST).endswith(b"\n") else b"\n"


def _event(line: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
