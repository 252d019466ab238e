"""Cut a stream of rows into Parquet parts, the same way every time, and write each once."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa
import pyarrow.parquet as pq

from ..domain.canonical import sha256
from ..domain.dataset import Part
from ..errors import AlreadyExists, Corrupt
from ..ports import ReadsCreates
from .datasets import encode_part

PART_ROWS = 100_000
PART_BYTES = 32 << 20
"""A part ends with the batch that reaches either, counted in memory."""


def same_rows(stored: bytes, made: bytes) -> bool:
    """Whether two parts have equal rows; another release of the Parquet writer makes other bytes of them."""
    return bool(pq.read_table(pa.BufferReader(stored)).equals(pq.read_table(pa.BufferReader(made))))


class Parts:
    """Writes rows as they come. What an earlier attempt wrote stands, provided that it is the `same`.

    `key` gives the key of part n. `written` are the finished parts; the next row added is row `held` of part `number`.
    """

    def __init__(
        self,
        store: ReadsCreates,
        key: Callable[[int], str],
        same: Callable[[bytes, bytes], bool] = same_rows,
        most_bytes: int = PART_BYTES,
    ) -> None:
        self.written: list[Part] = []
        self.held = 0
        self._store = store
        self._key = key
        self._same = same
        self._most_bytes = most_bytes
        self._batches: list[pa.RecordBatch] = []
        self._bytes = 0

    @property
    def number(self) -> int:
        """Of the part that is being filled, from 0."""
        return len(self.written)

    @property
    def rows(self) -> int:
        """All rows added so far."""
        return self.held + sum(part.rows for part in self.written)

    def add(self, batch: pa.RecordBatch) -> None:
        """Take some more rows; writes the part when it is full."""
        if not len(batch):
            return
        self._batches.append(batch)
        self.held += len(batch)
        self._bytes += batch.nbytes
        if self.held >= PART_ROWS or self._bytes >= self._most_bytes:
            self.flush()

    def flush(self) -> None:
        """Write what is held, if anything; raises Corrupt if other rows are stored in its place."""
        if self._batches:
            stored = store_part(self._store, self._key(self.number), encode_part(self._batches), self._same)
            self.written.append(Part(self.held, sha256(stored)))
            self._batches, self.held, self._bytes = [], 0, 0


def store_part(store: ReadsCreates, key: str, made: bytes, same: Callable[[bytes, bytes], bool] = same_rows) -> bytes:
    """Write a part, unless an earlier attempt has; returns what is stored.

    Raises Corrupt if that is not the `same`.
    """
    try:
        store.create(key, made)
    except AlreadyExists:
        return _earlier(store, key, made, same)
    return made


def _earlier(store: ReadsCreates, key: str, made: bytes, same: Callable[[bytes, bytes], bool]) -> bytes:
    stored = store.get(key).data
    try:
        is_same = stored == made or same(stored, made)
    except (pa.ArrowException, OSError) as error:
        raise Corrupt(f"{key!r} is no Parquet file: delete it, and it is written again.") from error
    if not is_same:
        raise Corrupt(f"{key!r} holds other rows than the source has: delete its folder, and it is made again.")
    return stored
