"""A table file of any format that is read, told by its name -> its rows as they stand there."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from ..ports import ObjectInfo, Reads
from .buffers import texts
from .formats import format_of
from .parse import NULL_SPELLINGS
from .raw import RawBatch, Wanted, some_rows
from .read_csv import csv_batches
from .read_jsonl import jsonl_batches
from .read_parquet import parquet_batches


def raw_batches(store: Reads, info: ObjectInfo, wanted: Wanted | None = None) -> Iterator[RawBatch]:
    """Stream the rows of the object `info` in bounded memory, all columns of it or those that are wanted.

    Raises BadInput when the file as a whole cannot be used, VersionMismatch if it is replaced meanwhile.
    """
    return some_rows(_batches(store, info, wanted), info.key)


def null_texts(name: str, kept: tuple[str, ...] = ()) -> pa.Array:
    """What says null in the text of a file of that name: CSV has no other way than to spell it. `kept` are values."""
    spellings = NULL_SPELLINGS if format_of(name).startswith("csv") else ("",)
    return texts([text for text in spellings if text not in kept])


def _batches(store: Reads, info: ObjectInfo, wanted: Wanted | None) -> Iterator[RawBatch]:
    if format_of(info.key) == "parquet":
        return parquet_batches(store, info, wanted)
    return text_batches(store, info, wanted)


def text_batches(store: Reads, info: ObjectInfo, wanted: Wanted | None) -> Iterator[RawBatch]:
    """The rows of a file of CSV or JSON Lines, as `raw_batches` reads them; none if it has a header alone."""
    found = format_of(info.key)
    read = csv_batches if found.startswith("csv") else jsonl_batches
    return read(store, info, wanted, compressed=found.endswith(".gz"))
