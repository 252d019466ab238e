"""The only place where the agent changes the disk: whole or not at all, and in an order that a power cut may break off.

Every change is one call of `os`, so that tests can cut the power before each of them.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from core.errors import Corrupt, NotFound, Refused, TooLarge, Transient

NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
PRIVATE = 0o600
FOLDER = 0o755
SEAL = 4 * 1024 * 1024


class NoRoom(Transient):
    """The disk is full."""


def replace(path: Path, data: bytes) -> None:
    """Put `data` in the place of the file, if there is one; raises NoRoom, and then nothing has changed."""
    fresh = path.with_name(f".{path.name}.new")
    try:
        with _writing(fresh, os.O_TRUNC) as descriptor:
            _write_all(descriptor, data)
            os.fsync(descriptor)
    except NoRoom:
        with suppress(OSError):
            os.unlink(fresh)  # noqa: PTH108 - one call of os
        raise
    os.replace(fresh, path)  # noqa: PTH105 - one call of os
    sync(path.parent)


def append(path: Path, chunks: Iterable[bytes]) -> None:
    """Write chunks behind the end of the file, and see them onto the disk each `SEAL` bytes and when they end or fail.

    Raises NoRoom; what was written until then stays.
    """
    new = not path.exists()
    with _writing(path, os.O_APPEND) as descriptor:
        if new:
            sync(path.parent)
        loose = 0
        try:
            for chunk in chunks:
                _write_all(descriptor, chunk)
                loose += len(chunk)
                if loose >= SEAL:
                    os.fsync(descriptor)
                    loose = 0
        finally:
            os.fsync(descriptor)


def move(source: Path, target: Path) -> None:
    """Rename a file or a folder; the name `target` must be free."""
    os.rename(source, target)  # noqa: PTH104 - one call of os
    sync(target.parent)
    if source.parent != target.parent:
        sync(source.parent)


def make_folder(folder: Path) -> None:
    """Make a folder, and those above it that are missing."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    with suppress(FileExistsError):
        os.mkdir(folder, FOLDER)  # noqa: PTH102 - one call of os
    sync(folder.parent)


def remove(path: Path) -> None:
    """Remove a file, a link, or a folder with all that is in it; no error if it is not there."""
    try:
        _remove(path)
    except FileNotFoundError:
        return
    sync(path.parent)


def sync(folder: Path) -> None:
    """Make what was made, renamed or removed in the folder outlive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read(path: Path, most: int) -> bytes:
    """A plain file of `most` bytes at most, links not followed; raises NotFound, Refused, TooLarge or Corrupt."""
    with reading(path) as descriptor:
        data = b""
        while chunk := os.read(descriptor, most + 1 - len(data)):
            data += chunk
    if len(data) > most:
        raise TooLarge(f"{path.name} has more than {most:,} bytes.")
    return data


@contextmanager
def reading(path: Path) -> Iterator[int]:
    """A descriptor of a plain file; raises NotFound, Refused if it is a link or no file, Corrupt if it is damaged."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NotFound(f"there is no {path}.") from error
    except OSError as error:
        raise Refused(f"{path} is no plain file that can be read: {error.strerror}.") from error
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise Refused(f"{path} is no plain file.")
        yield descriptor
    except OSError as error:
        raise Corrupt(f"{path} cannot be read: {error.strerror}.") from error
    finally:
        os.close(descriptor)


@contextmanager
def locked(path: Path, *, wait: bool = True) -> Iterator[None]:
    """Alone among all processes of this device; raises Transient if another one is in there and `wait` is False.

    The system opens the lock when its process dies.
    """
    with _writing(path, 0) as descriptor:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError as error:
            raise Transient("another process does that on this device now: wait until it has ended.") from error
        yield


@contextmanager
def _writing(path: Path, flag: int) -> Iterator[int]:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | flag, PRIVATE)
        try:
            yield descriptor
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        raise NoRoom(f"the disk is full: {path.name} cannot be written.") from error


def _remove(path: Path) -> None:
    if not stat.S_ISDIR(path.lstat().st_mode):
        os.unlink(path)  # noqa: PTH108 - one call of os
        return
    for inner in sorted(path.iterdir()):
        _remove(inner)
    os.rmdir(path)  # noqa: PTH106 - one call of os


def _write_all(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
