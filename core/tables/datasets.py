"""Datasets: Parquet parts in, rows out, each part proven by its hash."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import pyarrow as pa
import pyarrow.parquet as pq

from .. import layout
from ..domain.canonical import sha256
from ..domain.dataset import DatasetManifest
from ..errors import Corrupt, NotFound
from ..ports import Reads
from .arrow import TEXT, dataset_schema

AT_ONCE = 65_536
"""Rows that are read at once."""


def encode_part(batches: list[pa.RecordBatch]) -> bytes:
    """One Parquet file of one row group. The same rows give the same bytes, wherever the same pyarrow writes them."""
    table = pa.Table.from_batches(batches)
    repeated = [field.name for field in table.schema if field.type == TEXT]
    buffer = pa.BufferOutputStream()
    pq.write_table(table, buffer, row_group_size=max(len(table), 1), compression="zstd", use_dictionary=repeated)
    return bytes(buffer.getvalue())


def iter_dataset(
    datasets: Reads, manifest: DatasetManifest, columns: Collection[str] | None = None
) -> Iterator[pa.RecordBatch]:
    """The rows of a dataset in the order of their source, a part in memory at a time; `columns` or all of them.

    Raises Corrupt if a part is missing or is not what the manifest says.
    """
    wanted = None if columns is None else list(columns)
    for number in range(len(manifest.parts)):
        file = pq.ParquetFile(pa.BufferReader(_part(datasets, manifest, number)))
        yield from file.iter_batches(AT_ONCE, columns=wanted, use_threads=False)


def read_dataset(datasets: Reads, manifest: DatasetManifest, columns: Collection[str] | None = None) -> pa.Table:
    """All rows of a dataset; raises as `iter_dataset` does."""
    schema = dataset_schema(manifest.schema, manifest.kind)
    if columns is not None:
        schema = pa.schema([schema.field(name) for name in schema.names if name in columns])
    return pa.Table.from_batches(
        (batch.select(schema.names) for batch in iter_dataset(datasets, manifest, columns)), schema
    )


def _part(datasets: Reads, manifest: DatasetManifest, number: int) -> bytes:
    key = layout.dataset_part(manifest.model, manifest.version, number)
    try:
        data = datasets.get(key).data
    except NotFound as error:
        raise Corrupt(f"part {key} of a dataset is missing: drop {manifest.source.key} again.") from error
    if sha256(data) != manifest.parts[number].sha256:
        raise Corrupt(f"part {key} of a dataset does not match its hash: drop {manifest.source.key} again.")
    return data
