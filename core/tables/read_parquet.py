"""Parquet, with its own types, one row group after the other by ranges of the object."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.parquet as pq

from ..errors import BadInput
from ..ports import ObjectInfo, Reads
from .raw import RawBatch, Wanted, check_names, number_rows
from .streams import StoredFile

READ_AHEAD = 1 << 20
"""Bytes of a column that are fetched at a time."""

BATCH_BYTES = 8 << 20
LONGEST_BATCH = 32_768
SHORTEST_BATCH = 64


def parquet_batches(store: Reads, info: ObjectInfo, wanted: Wanted | None) -> Iterator[RawBatch]:
    """Rows of a Parquet object; raises BadInput if it is not one, VersionMismatch if it is replaced meanwhile."""
    if not info.size:
        raise BadInput(f"{info.key!r} is empty; send a Parquet file with rows.")
    source = StoredFile(store, info)
    try:
        yield from _read(source, info.key, wanted)
    except (pa.ArrowException, OSError, EOFError) as error:
        source.check_version()
        raise BadInput(f"{info.key!r} is not a Parquet file, or damaged: {_first_line(error)}") from error


def _read(source: StoredFile, key: str, wanted: Wanted | None) -> Iterator[RawBatch]:
    file = pq.ParquetFile(pa.PythonFile(source, mode="r"), buffer_size=READ_AHEAD, pre_buffer=False)
    names = tuple(file.schema_arrow.names)
    check_names(names, key)
    kept = [name for name in names if wanted is None or name in wanted]
    row = 0
    for group in range(file.num_row_groups):
        size = _rows_a_batch(file.metadata.row_group(group))
        for batch in file.iter_batches(size, row_groups=[group], columns=kept, use_threads=False):
            source.check_version()
            yield RawBatch(names, batch, number_rows(row, batch.num_rows, ()))
            row += batch.num_rows


def _rows_a_batch(group: pq.RowGroupMetaData) -> int:
    """As many rows as are thought to fill BATCH_BYTES."""
    rows: int = BATCH_BYTES * max(1, group.num_rows) // max(1, group.total_byte_size)
    return min(max(rows, SHORTEST_BATCH), LONGEST_BATCH)


def _first_line(error: Exception) -> str:
    text = str(error).splitlines()
    return text[0][:300] if text else type(error).__name__
