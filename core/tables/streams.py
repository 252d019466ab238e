"""Bytes of a stored object: as chunks, decompressed, or as a file that can be read anywhere."""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from ..errors import BadInput, VersionMismatch
from ..ports import ObjectInfo, Reads

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

CHUNK = 1 << 20
GZIP = zlib.MAX_WBITS + 16
"""zlib's way to ask for the gzip header and checksum (zlib manual, inflateInit2)."""


class StoredFile(io.RawIOBase):
    """A read-only, seekable file on one version of one object, for readers that jump about (Parquet)."""

    def __init__(self, store: Reads, info: ObjectInfo) -> None:
        super().__init__()
        self._store, self._info, self._at = store, info, 0
        self._held: Sequence[tuple[int, bytes]] = ()

    def readable(self) -> bool:
        """True."""
        return True

    def seekable(self) -> bool:
        """True."""
        return True

    def tell(self) -> int:
        """The place that is read next."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move; returns the new place."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._info.size}[whence]
        self._at = max(0, start + offset)
        return self._at

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Fill `buffer` as far as the object goes; returns how many bytes were read."""
        view = memoryview(buffer).cast("B")
        length = min(len(view), max(0, self._info.size - self._at))
        data = self._bytes(length) if length else b""
        view[: len(data)] = data
        self._at += len(data)
        return len(data)

    def fetch(self, spans: Iterable[tuple[int, int]]) -> list[tuple[int, bytes]]:
        """Bytes from start to end of each span, with its start; another thread may read meanwhile."""
        return [(start, self._store.get_range(self._info.key, start, end - start)) for start, end in spans]

    def hold(self, fetched: Sequence[tuple[int, bytes]]) -> None:
        """Read from these bytes, instead of the ones before, as far as they go."""
        self._held = fetched

    def _bytes(self, length: int) -> bytes | memoryview:
        for start, data in self._held:
            if start <= self._at and self._at + length <= start + len(data):
                return memoryview(data)[self._at - start : self._at - start + length]
        return self._store.get_range(self._info.key, self._at, length)

    def check_version(self) -> None:
        """Raise VersionMismatch if the object was replaced: a range is of whatever is there."""
        if self._store.head(self._info.key).version != self._info.version:
            raise VersionMismatch(f"object {self._info.key!r} was replaced while it was read.")


def content(store: Reads, info: ObjectInfo, *, compressed: bool) -> Iterator[bytes]:
    """The bytes of one version of an object, decompressed if asked for, in chunks of bounded size.

    Raises VersionMismatch if it was replaced, BadInput if what should be gzip is damaged.
    """
    chunks = store.stream(info.key, info.version)
    return _gunzip(chunks, info.key) if compressed else chunks


def _gunzip(chunks: Iterator[bytes], key: str) -> Iterator[bytes]:
    """RFC 1952: any number of members, zeros between them tolerated as gzip(1) does."""
    member = None
    try:
        for chunk in chunks:
            rest = chunk.lstrip(b"\0") if member is not None and member.eof else chunk
            while rest:
                if member is None or member.eof:
                    member = zlib.decompressobj(GZIP)
                yield member.decompress(rest, CHUNK)
                rest = member.unused_data.lstrip(b"\0") or member.unconsumed_tail
    except zlib.error as error:
        raise BadInput(f"{key!r} is not gzip, or damaged ({error}); compress and send it again.") from error
    if member is not None and not member.eof:
        raise BadInput(f"{key!r} ends in the middle of its gzip stream; send the whole file again.")
