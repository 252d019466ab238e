"""Rows as a source holds them, before the schema says what they should be."""

from __future__ import annotations

from collections.abc import Collection, Container, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ..errors import BadInput


@dataclass(frozen=True, slots=True)
class Broken:
    """A row that could not be taken apart. `text` is the row as it stands in the source."""

    row: int
    problem: str
    text: str
    column: str | None = None


@dataclass(frozen=True, slots=True)
class RawBatch:
    """Some consecutive rows. `names` are all columns that the source has here, `batch` those that were wanted.

    `rows` [batch.num_rows] are places in the source, counted from 1; `broken` are the rows in between that could not
    be read.
    """

    names: tuple[str, ...]
    batch: pa.RecordBatch
    rows: NDArray[np.int64]
    broken: tuple[Broken, ...] = ()


Wanted = Container[str]
"""The names of the columns that a reader is asked for."""


def number_rows(start: int, count: int, broken: Collection[int]) -> NDArray[np.int64]:
    """Places of the rows that were read, of `count` rows behind place `start`; those in `broken` are left out."""
    rows = np.arange(start + 1, start + count + 1)
    return rows[~np.isin(rows, list(broken))] if broken else rows


def rows_of_nothing(count: int) -> pa.RecordBatch:
    """`count` rows without a column: empty objects are rows too, and their reader tells what they lack."""
    return pa.RecordBatch.from_struct_array(pa.array([{}] * count, pa.struct([])))


def one_batch(table: pa.Table) -> pa.RecordBatch:
    """The table as a single batch, even if it has no rows or no columns."""
    if not table.column_names:
        return rows_of_nothing(table.num_rows)
    columns = [column.combine_chunks() for column in table.columns]
    return pa.RecordBatch.from_arrays(columns, schema=table.schema)


def check_names(names: Collection[str], key: str) -> None:
    """Raise BadInput if a column has no name, or if two have the same."""
    seen: set[str] = set()
    for place, name in enumerate(names, start=1):
        if not name:
            raise BadInput(f"column {place} of {key!r} has no name; name it, or take it out.")
        if name in seen:
            raise BadInput(f"{key!r} has two columns named {name!r}; rename or remove one.")
        seen.add(name)


def some_rows(batches: Iterator[RawBatch], key: str) -> Iterator[RawBatch]:
    """Pass the batches on; raises BadInput at the end if there was not a single row."""
    rows = 0
    for raw in batches:
        rows += len(raw.rows) + len(raw.broken)
        yield raw
    if not rows:
        raise BadInput(f"{key!r} has a header and no rows; send the rows.")
