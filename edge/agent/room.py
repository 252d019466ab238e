"""Room on the disk: telemetry gives way before models do, and the way back before the way forward."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from . import files, slots
from .state import State, change

RESERVE = 1024 * 1024
"""Bytes that stay free, for the state and the journal."""
ENOUGH = 256 * 1024
"""Bytes of telemetry that give way where a small file found no room."""

T = TypeVar("T")


def make_room(root: Path, needed: int) -> None:
    """See to it that `needed` bytes are free beyond the reserve; raises NoRoom if that cannot be.

    First the oldest telemetry goes, then the release in the idle slot.
    """
    for give in (_telemetry, _idle_slot):
        short = needed + RESERVE - free(root)
        if short <= 0:
            return
        give(root, short)
    short = needed + RESERVE - free(root)
    if short > 0:
        raise files.NoRoom(f"the disk is full: {needed:,} bytes are needed, and {short:,} of them are not free.")


def with_room(root: Path, write: Callable[[], T]) -> T:
    """Write something small; where it finds no room, telemetry gives way. Raises NoRoom if that was not enough."""
    try:
        return write()
    except files.NoRoom:
        if not _telemetry(root, ENOUGH):
            raise
        return write()


def free(root: Path) -> int:
    """Bytes that are free on the disk of a folder."""
    found = os.statvfs(root)  # shutil brings every compression there is
    return found.f_bavail * found.f_frsize


def _telemetry(root: Path, wanted: int) -> int:
    from ..telemetry import ring  # noqa: PLC0415 - rarely needed

    return ring.give_way(root / ring.FOLDER, wanted)


def _idle_slot(root: Path, wanted: int) -> int:  # noqa: ARG001 - all of it or nothing
    idle = State.read(root).idle
    change(root, lambda state: state.emptied(idle))
    files.remove(slots.folder(root, idle))
    return 0
