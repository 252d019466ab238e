"""Writing files so that they appear whole or not at all, and stay."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from ..errors import Unsupported

ABANDONED = 24 * 3600.0
"""Seconds after which a hidden file was left by a writer that was killed."""

ATTEMPTS = 20
LOCK = ".lock"


def write(path: Path, chunks: Iterable[bytes]) -> None:
    """Write a new file and see it onto the disk, stamped to the nanosecond."""
    with path.open("xb") as file:
        file.writelines(chunks)
        file.flush()
        now = time.time_ns()  # the kernel's own stamps are up to 4 ms coarse
        os.utime(file.fileno(), ns=(now, now))
        os.fsync(file.fileno())


def place(step: Callable[[], object], target: Path) -> None:
    """Link or rename into a folder that a concurrent delete may remove as empty at any moment."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            _make_folder(target.parent)
            step()
        except FileNotFoundError:
            if attempt == ATTEMPTS:
                raise
        else:
            return sync(target.parent)
    return None


def _make_folder(folder: Path) -> None:
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    try:
        folder.mkdir(exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise Unsupported(f"file {str(folder)!r} is in the way of objects below it; rename one of them.") from error
    sync(folder.parent)


def sync(folder: Path) -> None:
    """Make what was linked, renamed or removed in the folder outlive a power cut."""
    with suppress(FileNotFoundError):  # pruned as empty meanwhile
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def sweep(hidden: Path) -> None:
    """Remove what writers that were killed left there."""
    oldest = time.time() - ABANDONED
    for path in hidden.iterdir():
        with suppress(FileNotFoundError):
            if path.name != LOCK and path.stat().st_mtime < oldest:
                path.unlink()
