"""Any other scheme that fsspec knows (sftp, http, hdfs, ...): for sources and for what is written once by one writer.

None of these can create-only or compare-and-swap, so they can hold no zone that functions write into.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any

import fsspec
from fsspec.core import url_to_fs

from ..errors import BadInput, NotFound, Permanent, TidemillError, Transient, Unsupported, VersionMismatch
from ..ports import Blob, ObjectInfo
from .keys import check_key

CHUNK = 1 << 20
HIDDEN = ".tidemill"
"""Folder, below the store's, where objects are written before they are moved into place; never listed."""

_CHANGES = ("ETag", "etag", "generation", "md5", "checksum", "mtime", "LastModified", "last_modified", "created", "ino")
_TIMES = ("mtime", "LastModified", "last_modified", "updated", "created")


def open_fsspec(url: str, environ: Mapping[str, str]) -> FsspecStore:  # noqa: ARG001 - every factory has one signature
    """The store of any fsspec URL; raises BadInput for a scheme that fsspec does not know either."""
    scheme = url.partition("://")[0]
    if scheme not in fsspec.available_protocols():
        raise BadInput(
            f"store {url!r}: scheme {scheme!r} is not known; use file, memory, s3, gs, az or one of fsspec's."
        )
    with _translated(url, ""):
        system, root = url_to_fs(url)
    return FsspecStore(system, root, url)


class FsspecStore:
    """Objects below one folder of an fsspec file system."""

    def __init__(self, system: fsspec.AbstractFileSystem, root: str, url: str) -> None:
        self._system = system
        self._root = root.rstrip("/")
        self._url = url

    def head(self, key: str) -> ObjectInfo:
        """What is known of the object; raises NotFound."""
        with _translated(self._url, key):
            return _info(key, self._file(key))

    def get(self, key: str) -> Blob:
        """The whole object; raises NotFound, and Transient if it is overwritten while it is read."""
        info = self.head(key)
        return Blob(b"".join(self.stream(key, info.version)), info)

    def get_range(self, key: str, start: int, length: int) -> bytes:
        """Bytes `start` to `start + length`, or as many of them as there are; raises NotFound."""
        size = self.head(key).size
        if start >= size or length == 0:
            return b""
        with _translated(self._url, key):
            return bytes(self._system.cat_file(self._path(key), start=start, end=min(start + length, size)))

    def get_if_changed(self, key: str, version: str) -> Blob | None:
        """The object, or None while it is still `version`; raises NotFound."""
        return None if self.head(key).version == version else self.get(key)

    def stream(self, key: str, version: str | None = None) -> Iterator[bytes]:
        """The content in chunks of 1 MiB; raises NotFound and VersionMismatch before the first chunk.

        Raises Transient behind the last chunk if the object was overwritten meanwhile.
        """
        before = self.head(key).version
        if version not in {None, before}:
            raise VersionMismatch(f"{self._url}, key {key!r}: the object is not version {version!r} any more.")
        with _translated(self._url, key), self._system.open(self._path(key), "rb") as file:
            while chunk := file.read(CHUNK):
                yield bytes(chunk)
        if self.head(key).version != before:
            raise Transient(f"{self._url}, key {key!r}: the object was written while it was read; try again.")

    def list(self, prefix: str, after: str = "") -> Iterator[ObjectInfo]:
        """Objects under `prefix` behind `after`, in order; fsspec reads the whole folder at once."""
        folder = f"{self._root}/{prefix}".rpartition("/")[0]
        with _translated(self._url, prefix):
            self._system.invalidate_cache()
            found = self._system.find(folder, detail=True) if self._system.exists(folder) else {}
        infos = (_info(self._key(path), entry) for path, entry in found.items())
        wanted = (info for info in infos if info.key.startswith(prefix) and info.key > after)
        yield from sorted((i for i in wanted if not i.key.startswith(f"{HIDDEN}/")), key=lambda info: info.key)

    def create(self, key: str, data: bytes) -> ObjectInfo:  # noqa: ARG002 - the port's signature
        """Raises Unsupported."""
        raise self._unsupported(key)

    def replace(self, key: str, data: bytes, version: str) -> ObjectInfo:  # noqa: ARG002
        """Raises Unsupported."""
        raise self._unsupported(key)

    def put(self, key: str, data: bytes) -> ObjectInfo:
        """Write the object, whatever was there."""
        return self.put_stream(key, [data])

    def put_stream(self, key: str, chunks: Iterable[bytes]) -> ObjectInfo:
        """Write the object beside its place, then move it there: whole on systems whose move is, such as SFTP."""
        path, hidden = self._path(key), f"{self._root}/{HIDDEN}/{uuid.uuid4().hex}"
        with _translated(self._url, key):
            try:
                self._write(hidden, chunks)
                self._move(hidden, path)
            finally:
                with suppress(FileNotFoundError):
                    self._system.rm_file(hidden)
        return self.head(key)

    def delete(self, key: str) -> None:
        """Remove the object; no error if it is not there."""
        with suppress(NotFound), _translated(self._url, key):
            self._file(key)
            self._system.rm_file(self._path(key))

    def _write(self, path: str, chunks: Iterable[bytes]) -> None:
        self._system.makedirs(path.rpartition("/")[0], exist_ok=True)
        with self._system.open(path, "wb") as file:
            for chunk in chunks:
                file.write(chunk)

    def _move(self, hidden: str, path: str) -> None:
        if self._system.isdir(path):
            raise Unsupported(f"{self._url}: {path!r} is a folder, so no object can have that key; choose another.")
        self._system.makedirs(path.rpartition("/")[0], exist_ok=True)
        self._system.mv(hidden, path)

    def _path(self, key: str) -> str:
        return f"{self._root}/{check_key(key)}"

    def _key(self, path: str) -> str:
        return path.lstrip("/").removeprefix(f"{self._root.lstrip('/')}/")

    def _file(self, key: str) -> dict[str, Any]:
        self._system.invalidate_cache()
        entry: dict[str, Any] = self._system.info(self._path(key))
        if entry["type"] != "file":
            raise FileNotFoundError(key)
        return entry

    def _unsupported(self, key: str) -> Unsupported:
        return Unsupported(
            f"{self._url}, key {key!r}: this scheme can neither create-only nor compare-and-swap, so no zone of "
            "Tidemill can live there; use file, s3, gs or az, and this one as a source."
        )


def _info(key: str, entry: Mapping[str, Any]) -> ObjectInfo:
    size = int(entry.get("size") or 0)
    told = [size, *(_plain(entry[name]) for name in _CHANGES if name in entry)]
    version = hashlib.sha256(repr(told).encode()).hexdigest()[:32]
    return ObjectInfo(key, size, version, _modified(entry))


def _plain(value: object) -> str:
    """A time as a number: some file systems tell it as a datetime here and as a number there."""
    return str(value.timestamp() if isinstance(value, datetime) else value)


def _modified(entry: Mapping[str, Any]) -> datetime:
    """The epoch where the system does not tell."""
    told = next((entry[name] for name in _TIMES if entry.get(name)), 0)
    if isinstance(told, datetime):
        return told if told.tzinfo else told.replace(tzinfo=UTC)
    if isinstance(told, str):
        return datetime.fromisoformat(told).astimezone(UTC)
    return datetime.fromtimestamp(float(told), UTC)


TABLE: tuple[tuple[type[Exception], type[TidemillError], str], ...] = (
    (FileNotFoundError, NotFound, "the object is not there"),
    (IsADirectoryError, NotFound, "the object is not there"),
    (NotADirectoryError, NotFound, "the object is not there"),
    (FileExistsError, Unsupported, "a file is in the way of a folder; rename one of them"),
    (PermissionError, Permanent, "access is denied: grant this user reading and writing there"),
    (NotImplementedError, Unsupported, "this scheme cannot do that"),
    (ConnectionError, Transient, "the store cannot be reached just now"),
    (TimeoutError, Transient, "the store did not answer in time"),
)
"""What the errors that fsspec's file systems share mean here; the first that fits."""


@contextmanager
def _translated(url: str, key: str) -> Iterator[None]:
    try:
        yield
    except tuple(row[0] for row in TABLE) as error:
        kind, sentence = next((kind, sentence) for vendor, kind, sentence in TABLE if isinstance(error, vendor))
        raise kind(f"{url}, key {key!r}: {sentence}.") from error
