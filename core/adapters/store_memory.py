"""Objects in this process's memory: for tests, for trying things out, and for `memory://` stores."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from ..errors import AlreadyExists, NotFound, VersionMismatch
from ..ports import Blob, ObjectInfo
from .keys import check_key

CHUNK = 1 << 20


class MemoryStore:
    """One zone. Safe to share between threads; its versions count the writes, so none is ever met twice."""

    def __init__(self) -> None:
        self._blobs: dict[str, Blob] = {}
        self._writes = 0
        self._lock = threading.Lock()

    def head(self, key: str) -> ObjectInfo:
        """What is known of the object; raises NotFound."""
        return self.get(key).info

    def get(self, key: str) -> Blob:
        """The whole object; raises NotFound."""
        blob = self._blobs.get(check_key(key))
        if blob is None:
            raise NotFound(f"there is no object {key!r}.")
        return blob

    def get_range(self, key: str, start: int, length: int) -> bytes:
        """Bytes `start` to `start + length`, or as many of them as there are; raises NotFound."""
        return self.get(key).data[start : start + length]

    def get_if_changed(self, key: str, version: str) -> Blob | None:
        """The object, or None while it is still `version`; raises NotFound."""
        blob = self.get(key)
        return None if blob.info.version == version else blob

    def stream(self, key: str, version: str | None = None) -> Iterator[bytes]:
        """The content in chunks of at most 1 MiB; raises NotFound, and VersionMismatch before the first chunk."""
        blob = self.get(key)
        if version not in {None, blob.info.version}:
            raise VersionMismatch(f"object {key!r} is not version {version!r} any more.")
        return (blob.data[at : at + CHUNK] for at in range(0, len(blob.data), CHUNK))

    def list(self, prefix: str, after: str = "") -> Iterator[ObjectInfo]:
        """Objects under `prefix` behind `after`, as they are now, in order (code points sort as UTF-8 bytes do)."""
        with self._lock:
            blobs = [blob for key, blob in self._blobs.items() if key.startswith(prefix) and key > after]
        return iter(sorted((blob.info for blob in blobs), key=lambda info: info.key))

    def create(self, key: str, data: bytes) -> ObjectInfo:
        """Write a new object; raises AlreadyExists."""
        with self._lock:
            if check_key(key) in self._blobs:
                raise AlreadyExists(f"object {key!r} is there already.")
            return self._write(key, data)

    def replace(self, key: str, data: bytes, version: str) -> ObjectInfo:
        """Overwrite the object if it is still `version`; raises VersionMismatch."""
        with self._lock:
            blob = self._blobs.get(check_key(key))
            if blob is None or blob.info.version != version:
                raise VersionMismatch(f"object {key!r} is not version {version!r} any more.")
            return self._write(key, data)

    def put(self, key: str, data: bytes) -> ObjectInfo:
        """Write the object, whatever was there."""
        with self._lock:
            return self._write(check_key(key), data)

    def put_stream(self, key: str, chunks: Iterable[bytes]) -> ObjectInfo:
        """Write the object once all chunks have come."""
        return self.put(key, b"".join(chunks))

    def delete(self, key: str) -> None:
        """Remove the object; no error if it is not there."""
        with self._lock:
            self._blobs.pop(check_key(key), None)

    def _write(self, key: str, data: bytes) -> ObjectInfo:
        self._writes += 1
        info = ObjectInfo(key, len(data), str(self._writes), datetime.now(UTC))
        self._blobs[key] = Blob(bytes(data), info)
        return info
