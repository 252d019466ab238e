"""A segment that is still added to: a provisional heading, then a member of records an addition, synced each time."""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from core.domain.telemetry import Heading
from core.errors import Corrupt

from ..agent import files
from .members import member, members
from .segment import SEALED, encoded

GROWING = ".open"
"""How the name of its file ends; whoever adds to it holds a lock on it (flock(2)), which ends with the process."""


class Growing:
    """A segment with its file of `size` bytes, of which records take `unzipped` before they are zipped.

    `heading` is as it is to be once the segment is sealed.
    """

    def __init__(self, path: Path, heading: Heading, descriptor: int, size: int) -> None:
        self.path, self.heading, self.size = path, heading, size
        self.unzipped = 0
        self._descriptor = descriptor

    @classmethod
    def begin(cls, folder: Path, name: str, heading: Heading) -> Growing:
        """Make its file, which is of this process; raises OSError or NoRoom, and there is none, if that cannot be."""
        path = folder / f"{name}{GROWING}"
        growing = cls(path, heading, os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, files.PRIVATE), 0)
        try:
            fcntl.flock(growing._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            growing._write(member(encoded(heading)))
            files.sync(folder)
        except (OSError, files.NoRoom):
            growing.discard()
            raise
        return growing

    @classmethod
    def left(cls, path: Path) -> Growing | None:
        """What a process that is gone left at `path`, less what it did not write whole; None while it still lives.

        A file without a whole heading has no records either: it is removed, and None as well.
        """
        descriptor = os.open(path, os.O_RDWR)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        parts = list(members(path.read_bytes()))
        with suppress(Corrupt, IndexError):
            heading, end = Heading.decode(parts[0][1]), parts[-1][0]
            os.ftruncate(descriptor, end)
            rows = sum(content.count(b"\n") for _, content in parts[1:])
            return cls(path, replace(heading, rows=rows), descriptor, end)
        path.unlink()
        os.close(descriptor)
        return None

    def add(self, data: bytes, lines: bytes) -> None:
        """Add records, `data` being their member; raises OSError or NoRoom, and is as it was, if that cannot be."""
        self._write(data)
        self.unzipped += len(lines)
        self.heading = replace(self.heading, rows=self.heading.rows + lines.count(b"\n"))

    def _write(self, data: bytes) -> None:
        written = 0
        try:
            while written < len(data):
                written += os.pwrite(self._descriptor, data[written:], self.size + written)
            os.fsync(self._descriptor)
        except OSError as error:
            os.ftruncate(self._descriptor, self.size)
            if error.errno in files.NO_ROOM:
                raise files.NoRoom(f"the disk is full: {self.path.name} cannot be written.") from error
            raise
        self.size += len(data)

    def sealed(self, heading: bytes) -> None:
        """Turn it into a segment with this first member, whole or not at all.

        Raises OSError or NoRoom, and is as it was, if that cannot be.
        """
        with self.path.open("rb") as file:
            data = file.read(self.size)
        records = data[next(members(data))[0] :]
        files.replace(self.path.with_suffix(SEALED), heading + records)
        self.discard()

    def discard(self) -> None:
        """Remove its file, and let go of it."""
        self.path.unlink(missing_ok=True)
        os.close(self._descriptor)
