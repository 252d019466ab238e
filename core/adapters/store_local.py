"""Objects as files below one folder, for one machine or a shared file system with atomic links and locks (NFS 4).

A file appears under its key whole or not at all: it is written, and synced, in a hidden folder beside the zone's, then
linked (create-only) or renamed into place. So neither a listing nor a file watcher ever meets half a file of ours.
Anything that a user copies into the folder is an object too.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path

from ..errors import (
    AlreadyExists,
    BadInput,
    NotFound,
    Permanent,
    TidemillError,
    Transient,
    Unsupported,
    VersionMismatch,
)
from ..ports import Blob, ObjectInfo
from .keys import check_key
from .local_files import LOCK, place, sweep, sync, write
from .local_walk import walk

CHUNK = 1 << 20


def open_local(url: str, environ: Mapping[str, str]) -> LocalStore:  # noqa: ARG001 - every factory has one signature
    """The store of a `file:///folder` URL; raises BadInput if the path is not absolute."""
    path = url.partition("://")[2]
    if not path.startswith("/"):
        raise BadInput(f"store {url!r} must be an absolute path with three slashes, such as file:///data/landing.")
    return LocalStore(Path(path))


class LocalStore:
    """One zone. Safe to share between threads and between processes.

    A version is made of modification time, size and inode. The times that this class sets only ever grow, so no
    version comes twice, however fast the writes and however coarse the file system's clock.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._hidden = root.parent / f".{root.name}.tmp"
        self._swept = False

    def head(self, key: str) -> ObjectInfo:
        """What is known of the object; raises NotFound."""
        with _translated(key):
            return _info(key, _stat(self._path(key)))

    def get(self, key: str) -> Blob:
        """The whole object; raises NotFound, and Transient if someone is writing into the file."""
        with _translated(key), self._open(key) as file:
            info = _info(key, os.fstat(file.fileno()))
            data = file.read()
            _check_still(info, file)
        return Blob(data, info)

    def get_range(self, key: str, start: int, length: int) -> bytes:
        """Bytes `start` to `start + length`, or as many of them as there are; raises NotFound."""
        with _translated(key), self._open(key) as file:
            return os.pread(file.fileno(), length, start)

    def get_if_changed(self, key: str, version: str) -> Blob | None:
        """The object, or None while it is still `version`; raises NotFound."""
        return None if self.head(key).version == version else self.get(key)

    def stream(self, key: str, version: str | None = None) -> Iterator[bytes]:
        """The content in chunks of 1 MiB; raises NotFound and VersionMismatch before the first chunk.

        Raises Transient behind the last chunk if someone wrote into the file meanwhile: then the content is no version.
        """
        with _translated(key), self._open(key) as file:
            info = _info(key, os.fstat(file.fileno()))
            if version not in {None, info.version}:
                raise VersionMismatch(f"object {key!r} is not version {version!r} any more.")
            while chunk := file.read(CHUNK):
                yield chunk
            _check_still(info, file)

    def list(self, prefix: str, after: str = "") -> Iterator[ObjectInfo]:
        """Objects under `prefix` behind `after`, in order; folders are read as the iterator reaches them.

        Links to folders are not followed. Raises BadInput at a name that is not UTF-8.
        """
        with _translated(prefix):
            for key in walk(self._root, "", prefix, after):
                with suppress(FileNotFoundError):  # deleted since its folder was read
                    yield _info(key, (self._root / key).stat())

    def create(self, key: str, data: bytes) -> ObjectInfo:
        """Write a new object; raises AlreadyExists."""
        with self._written(key, [data]) as (source, target):
            place(lambda: os.link(source, target), target)
            return _info(key, source.stat())

    def replace(self, key: str, data: bytes, version: str) -> ObjectInfo:
        """Overwrite the object if it is still `version`; raises VersionMismatch."""
        with self._written(key, [data]) as (source, target), self._locked():
            if _version_at(target) != version:
                raise VersionMismatch(f"object {key!r} is not version {version!r} any more.")
            return self._overwrite(key, source, target)

    def put(self, key: str, data: bytes) -> ObjectInfo:
        """Write the object, whatever was there."""
        return self.put_stream(key, [data])

    def put_stream(self, key: str, chunks: Iterable[bytes]) -> ObjectInfo:
        """Write the object, whatever was there, once all chunks have come."""
        with self._written(key, chunks) as (source, target), self._locked():
            return self._overwrite(key, source, target)

    def delete(self, key: str) -> None:
        """Remove the object, and the folders that it leaves empty; no error if it is not there."""
        target = self._path(key)
        gone = suppress(FileNotFoundError, NotADirectoryError, IsADirectoryError)
        with _translated(key), self._locked(), gone:
            target.unlink()
            sync(target.parent)
            self._prune(target.parent)

    def _path(self, key: str) -> Path:
        return self._root / check_key(key)

    def _open(self, key: str) -> FileIO:
        return self._path(key).open("rb", buffering=0)

    @contextmanager
    def _written(self, key: str, chunks: Iterable[bytes]) -> Iterator[tuple[Path, Path]]:
        """A hidden, synced file that holds `chunks`, and the path where it shall go."""
        target = self._path(key)
        with _translated(key):
            source = self._hidden_folder() / uuid.uuid4().hex
            try:
                write(source, chunks)
                _refuse_folder(target, key)
                yield source, target
            finally:
                source.unlink(missing_ok=True)

    def _overwrite(self, key: str, source: Path, target: Path) -> ObjectInfo:
        with suppress(FileNotFoundError, NotADirectoryError):
            grown = max(source.stat().st_mtime_ns, target.stat().st_mtime_ns + 1)
            os.utime(source, ns=(grown, grown))
        info = _info(key, source.stat())
        place(lambda: source.replace(target), target)
        return info

    def _hidden_folder(self) -> Path:
        self._hidden.mkdir(parents=True, exist_ok=True)
        if not self._swept:
            self._swept = True
            sweep(self._hidden)
        return self._hidden

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Holds the zone's lock: whoever overwrites or removes waits for the others."""
        with (self._hidden_folder() / LOCK).open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # released with the file, also when the process is killed
            yield

    def _prune(self, folder: Path) -> None:
        with suppress(OSError):  # until one is not empty
            while folder != self._root:
                folder.rmdir()
                folder = folder.parent


def _refuse_folder(target: Path, key: str) -> None:
    if target.is_dir():
        raise Unsupported(
            f"object {key!r} cannot be written: there are objects below {key + '/'!r}; rename one of them."
        )


def _stat(path: Path) -> os.stat_result:
    status = path.stat()
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    return status


def _info(key: str, status: os.stat_result) -> ObjectInfo:
    return ObjectInfo(key, status.st_size, _version(status), datetime.fromtimestamp(status.st_mtime, UTC))


def _version(status: os.stat_result) -> str:
    return f"{status.st_mtime_ns:x}-{status.st_size:x}-{status.st_ino:x}"


def _version_at(path: Path) -> str | None:
    try:
        return _version(path.stat())
    except (FileNotFoundError, NotADirectoryError):
        return None


def _check_still(info: ObjectInfo, file: FileIO) -> None:
    if _version(os.fstat(file.fileno())) != info.version:
        raise Transient(f"object {info.key!r} was written into while it was read; try again when that has ended.")


_PERMISSION = (Permanent, "cannot be reached: give this user read and write permission on the folder")
_FULL = (Transient, "cannot be written: the disk or the quota is full")
_LIMIT = (
    Permanent,
    "cannot be written: it is larger than a file may be here; raise the limit (ulimit -f) or the quota",
)
_NAME = (BadInput, "has a name that this file system cannot hold; shorten or rename it")
_SYSTEM = (Unsupported, "cannot be written: the zone's folder and its parent must be one file system with hard links")
_AGAIN = (Transient, "cannot be reached just now")

TABLE: Mapping[int, tuple[type[TidemillError], str]] = {
    errno.ENOENT: (NotFound, "is not there"),
    errno.EISDIR: (NotFound, "is not there"),
    errno.ENOTDIR: (NotFound, "is not there"),
    errno.EEXIST: (AlreadyExists, "is there already"),
    errno.ENAMETOOLONG: _NAME,
    errno.EILSEQ: _NAME,
    errno.EINVAL: _NAME,
    errno.EACCES: _PERMISSION,
    errno.EPERM: _PERMISSION,
    errno.EROFS: _PERMISSION,
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.EFBIG: _LIMIT,
    errno.EXDEV: _SYSTEM,
    errno.EMLINK: _SYSTEM,
    errno.EOPNOTSUPP: _SYSTEM,
    errno.EIO: _AGAIN,
    errno.ESTALE: _AGAIN,
    errno.EMFILE: _AGAIN,
    errno.ENFILE: _AGAIN,
    errno.ENOLCK: _AGAIN,
}
"""What the system's errors mean here. Any other is raised as it is."""


@contextmanager
def _translated(key: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        meaning = TABLE.get(error.errno or 0)
        if meaning is None:  # such as gzip.BadGzipFile out of the chunks of a caller
            raise
        kind, sentence = meaning
        raise kind(f"object {key!r} {sentence} ({error.strerror}).") from error
