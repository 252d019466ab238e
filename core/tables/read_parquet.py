"""Parquet, with its own types, one row group after the other by ranges of the object."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import accumulate

import pyarrow as pa
import pyarrow.parquet as pq

from ..errors import BadInput
from ..ports import ObjectInfo, Reads
from .ahead import read_ahead
from .raw import RawBatch, Wanted, check_names, number_rows
from .streams import StoredFile

READ_AHEAD = 1 << 20
"""Bytes of a column that are fetched at a time."""

HELD_BYTES = 16 << 20
"""Of a row group that are fetched at once, and the next one's beside them; of a larger one, READ_AHEAD at a time."""

SMALL_GAP = 256 << 10
"""Bytes that are not wanted, and cost less than another request."""

BATCH_BYTES = 8 << 20
LONGEST_BATCH = 16_384
SHORTEST_BATCH = 64


def parquet_batches(store: Reads, info: ObjectInfo, wanted: Wanted | None) -> Iterator[RawBatch]:
    """Rows of a Parquet object; raises BadInput if it is not one, VersionMismatch if it is replaced meanwhile."""
    file = ParquetObject(store, info, wanted)
    for raw in file.batches():
        file.check_version()
        yield raw


class ParquetObject:
    """One version of a Parquet object: its footer is read at once, its rows when they are asked for.

    Columns in `coded` come dictionary-encoded where they are text. Raises BadInput if it is not Parquet, or empty.
    """

    def __init__(self, store: Reads, info: ObjectInfo, wanted: Wanted | None, coded: Collection[str] = ()) -> None:
        if not info.size:
            raise BadInput(f"{info.key!r} is empty; send a Parquet file with rows.")
        self._key, self._size = info.key, info.size
        self._source = StoredFile(store, info)
        try:
            self._file = pq.ParquetFile(
                pa.PythonFile(self._source, mode="r"),
                buffer_size=READ_AHEAD,
                pre_buffer=False,
                read_dictionary=list(coded),
            )
            self._names = tuple(self._file.schema_arrow.names)
        except (pa.ArrowException, OSError, EOFError) as error:
            raise self._damaged(error, "") from error
        check_names(self._names, info.key)
        self._kept = [name for name in self._names if wanted is None or name in wanted]

    @property
    def groups(self) -> list[int]:
        """How many rows each row group has."""
        metadata = self._file.metadata
        return [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)]

    def check_version(self) -> None:
        """Raise VersionMismatch if the object was replaced: what was read may be of either version then."""
        self._source.check_version()

    def batches(self, groups: Iterable[tuple[int, int]] | None = None) -> Iterator[RawBatch]:
        """Rows of these row groups, each up to a row of the file, or of all, in batches that depend on the group alone.

        The bytes of the next row group are fetched meanwhile. The caller checks the version behind what it read. Raises
        BadInput at a damaged row group, and what `groups` raises.
        """
        starts = list(accumulate(self.groups, initial=0))
        chosen = ((group, starts[-1]) for group in range(len(starts) - 1)) if groups is None else groups
        ahead = ((group, stop, self._source.fetch(self._spans(group))) for group, stop in chosen)
        with read_ahead(ahead, 1) as fetched:
            for group, stop, held in fetched:
                self._source.hold(held)
                yield from self._group(group, starts[group], stop)

    def _spans(self, group: int) -> list[tuple[int, int]]:
        """Where the wanted columns of a row group lie, if they are not too much to be held; neighbours as one span."""
        metadata = self._file.metadata.row_group(group)
        chunks = [metadata.column(at) for at in range(metadata.num_columns)]
        wanted = set(self._kept)
        spans = sorted(_span(chunk) for chunk in chunks if chunk.path_in_schema.split(".")[0] in wanted)
        joined = _joined(spans)
        is_small = sum(end - start for start, end in joined) <= HELD_BYTES
        return joined if is_small and all(0 <= start < end <= self._size for start, end in joined) else []

    def _group(self, group: int, row: int, stop: int) -> Iterator[RawBatch]:
        size = _rows_a_batch(self._file.metadata.row_group(group))
        batches = self._file.iter_batches(size, row_groups=[group], columns=self._kept, use_threads=False)
        while row < stop:
            try:
                batch = next(batches, None)
            except (pa.ArrowException, OSError, EOFError) as error:
                raise self._damaged(error, f" behind row {row:,} (row group {group})") from error
            if batch is None:
                return
            yield RawBatch(self._names, batch, number_rows(row, batch.num_rows, ()))
            row += batch.num_rows

    def _damaged(self, error: Exception, where: str) -> BadInput:
        self.check_version()
        return BadInput(f"{self._key!r} is not a Parquet file, or damaged{where}: {_first_line(error)}")


def _span(chunk: pq.ColumnChunkMetaData) -> tuple[int, int]:
    starts = [chunk.data_page_offset, *([chunk.dictionary_page_offset] if chunk.has_dictionary_page else [])]
    start = min(starts)
    return start, start + chunk.total_compressed_size


def _joined(spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Spans of which no two are closer than SMALL_GAP.

    >>> _joined([(0, 10), (10, 30), (1 << 20, (1 << 20) + 5)])
    [(0, 30), (1048576, 1048581)]
    """
    joined: list[tuple[int, int]] = []
    for start, end in spans:
        if joined and start - joined[-1][1] < SMALL_GAP:
            joined[-1] = joined[-1][0], max(end, joined[-1][1])
        else:
            joined.append((start, end))
    return joined


def _rows_a_batch(group: pq.RowGroupMetaData) -> int:
    """As many rows as are thought to fill BATCH_BYTES."""
    rows: int = BATCH_BYTES * max(1, group.num_rows) // max(1, group.total_byte_size)
    return min(max(rows, SHORTEST_BATCH), LONGEST_BATCH)


def _first_line(error: Exception) -> str:
    text = str(error).splitlines()
    return text[0][:300] if text else type(error).__name__
