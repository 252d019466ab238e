"""Records on their way to the cloud: a folder of segments that never takes more than its capacity on disk.

What was added is there after a power cut, whole or not at all. Where there is no room the oldest segment is given up,
and its records are counted. Several processes may add to one ring, each to a segment of its own; whoever sends segments
deletes their files (see `upload`).
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from core.domain.telemetry import heading_of, segment_name
from core.errors import BadInput, Corrupt, Transient

from ..agent import files
from .growing import GROWING, Growing
from .members import member
from .origin import Origin
from .register import Register
from .segment import SEALED, encoded, first_heading, is_of

FOLDER = "telemetry"
LEAST = 64 * 1024
"""Bytes that a ring has at least."""
SEGMENT = 256 * 1024
"""Bytes from which a segment is sealed; an eighth of the ring where that is less."""
UNZIPPED = 8 * 1024 * 1024
"""Bytes of records from which it is sealed too, however well they compress."""
RESERVE = 8 * 1024
"""Bytes for a heading, and for the register, which is written beside the one that it replaces."""
LOCK = ".lock"

log = logging.getLogger(__name__)


class Ring:
    """Adds to the ring in `folder`, of at most `capacity` bytes. Safe to share between threads."""

    def __init__(self, folder: Path, capacity: int) -> None:
        """Raises BadInput if `capacity` is too little to hold anything."""
        if capacity < LEAST:
            raise BadInput(f"the telemetry ring has {capacity} bytes, and needs {LEAST:,} at least.")
        files.make_folder(folder)
        self.folder, self.capacity = folder, capacity
        self._segment = min(SEGMENT, capacity // 8)
        self._guard = threading.Lock()
        self._growing: Growing | None = None
        with self._locked():
            _take_over(folder)

    @property
    def dropped(self) -> int:
        """Records that were given up since the ring was made."""
        return Register.read(self.folder).dropped

    @property
    def size(self) -> int:
        """Bytes of all its files."""
        return sum(_sizes(self.folder).values())

    def add(self, origin: Origin, lines: bytes) -> None:
        """Add records, one JSON object a line; they are on the disk when this returns, or given up for lack of room.

        Raises Transient if the disk cannot be written to.
        """
        with self._locked():
            for part in _parts(lines, self._segment):
                self._add(origin, part)

    def seal(self, origin: Origin, health: Mapping[str, Any] | None = None) -> None:
        """End the segment, so that it can be sent, and tell of `health` in it; with health it may have no records.

        Raises Transient if the disk cannot be written to.
        """
        with self._locked():
            if self._growing and not is_of(self._growing.heading, origin):
                self._seal(None)
            if self._growing is None and health is not None and self._has_room(2 * RESERVE):
                self._begin(origin)
            self._seal(health)

    def close(self) -> None:
        """Seal what is there."""
        with self._locked():
            self._seal(None)

    def _add(self, origin: Origin, lines: bytes) -> None:
        data, growing = member(lines), self._growing
        if growing and (not is_of(growing.heading, origin) or self._is_full(growing, data, lines)):
            self._seal(None)
        if len(data) > self._segment or not self._has_room(2 * len(data) + 2 * RESERVE):
            return _count_dropped(self.folder, lines.count(b"\n"))
        return self._patiently(lambda: (self._growing or self._begin(origin)).add(data, lines))

    def _is_full(self, growing: Growing, data: bytes, lines: bytes) -> bool:
        return growing.size + len(data) > self._segment or growing.unzipped + len(lines) > UNZIPPED

    def _begin(self, origin: Origin) -> Growing:
        register = Register.read(self.folder)
        register._replace(next=register.next + 1).write(self.folder)
        name = segment_name(register.next, origin.release, register.name)
        self._growing = Growing.begin(self.folder, name, first_heading(origin, register.next))
        return self._growing

    def _seal(self, health: Mapping[str, Any] | None) -> None:
        growing = self._growing
        if growing is not None:
            self._patiently(lambda: _end(growing, health))
            self._growing = None

    def _patiently(self, step: Callable[[], None]) -> None:
        """The disk may be full of other things: the oldest segments give way until there is room for the step."""
        while True:
            try:
                return step()
            except files.NoRoom:
                if not _drop_oldest(self.folder):
                    raise

    def _has_room(self, needed: int) -> bool:
        """Whether there is room for so many bytes, and for the copies that sealing makes; drops what is oldest."""
        while True:
            sizes = _sizes(self.folder)
            growing = sum(size for name, size in sizes.items() if name.endswith(GROWING))
            if sum(sizes.values()) + growing + needed <= self.capacity:
                return True
            if not _drop_oldest(self.folder):
                return False

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Alone among threads and processes; raises Transient where the system says no."""
        try:
            with self._guard, files.locked(self.folder / LOCK):
                yield
        except OSError as error:
            raise Transient(f"telemetry cannot be written ({error}): mend the device's disk.") from error


def sealed(folder: Path) -> list[Path]:
    """Segments that are ready to be sent, the oldest first."""
    return sorted(folder.glob(f"*{SEALED}"))


def give_way(folder: Path, wanted: int) -> int:
    """Give up the oldest segments until `wanted` bytes are free, as far as there are any; how many bytes were freed."""
    freed = 0
    if folder.is_dir():
        with files.locked(folder / LOCK):
            while freed < wanted and (size := _drop_oldest(folder)):
                freed += size
    return freed


def give_up(segment: Path) -> None:
    """Give up one segment; raises FileNotFoundError if it was sent or given up already."""
    with files.locked(segment.parent / LOCK):
        _drop(segment)


def _drop_oldest(folder: Path) -> int:
    """Bytes of the segment that was given up; 0 if there is none."""
    for oldest in sealed(folder):
        with suppress(FileNotFoundError):  # it was sent just now
            return _drop(oldest)
    return 0


def _drop(segment: Path) -> int:
    data = segment.read_bytes()
    segment.unlink()
    _count_dropped(segment.parent, _rows(data))
    return len(data)


def _count_dropped(folder: Path, rows: int) -> None:
    log.warning("%d records of telemetry are given up", rows)
    register = Register.read(folder)
    with suppress(OSError, Transient):  # a count that cannot be kept is worth no failure
        register._replace(dropped=register.dropped + rows).write(folder)


def _rows(data: bytes) -> int:
    """How many records a segment says that it has; 0 of a broken one."""
    with suppress(Corrupt):
        return heading_of(data).rows
    return 0


def _take_over(folder: Path) -> None:
    """Seal what processes that are gone left; what they had sealed already is there twice, and removed."""
    for path in folder.glob(".*.new"):
        path.unlink()
    for path in sorted(folder.glob(f"*{GROWING}")):
        left = Growing.left(path)
        if left is None:
            continue
        if path.with_suffix(SEALED).exists() or not left.heading.rows:
            left.discard()
        else:
            _end(left, None)


def _end(growing: Growing, health: Mapping[str, Any] | None) -> None:
    """Seal a segment; what is told of health is left out where it is beyond all bounds."""
    heading = member(encoded(replace(growing.heading, health=health)))
    if len(heading) > RESERVE:
        log.warning("the health of %s is not told: it takes %d bytes", growing.path.name, len(heading))
        heading = member(encoded(growing.heading))
    growing.sealed(heading)


def _sizes(folder: Path) -> dict[str, int]:
    """Bytes of each file."""
    found = {}
    with os.scandir(folder) as entries:
        for entry in entries:
            with suppress(FileNotFoundError):
                found[entry.name] = entry.stat().st_size
    return found


def _parts(lines: bytes, most: int) -> Iterator[bytes]:
    """The lines in parts of at most `most` bytes; a line that is longer is a part of its own."""
    start = 0
    while start < len(lines):
        end = len(lines) if len(lines) - start <= most else lines.rfind(b"\n", start, start + most) + 1
        if end <= start:
            end = (lines.find(b"\n", start) + 1) or len(lines)
        yield lines[start:end]
        start = end
