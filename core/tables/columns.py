"""Typed Arrow rows -> the columns that a model takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as kinds
from numpy.typing import NDArray

from ..domain.alike import like_together
from ..domain.columns import Columns
from ..domain.schema import NULL_CATEGORY, Schema
from .buffers import numbers, to_numpy

Order = NDArray[np.intp]

NAN = numbers(np.array([np.nan], np.float32))[0]


def to_columns(rows: pa.Table | pa.RecordBatch, schema: Schema) -> Columns:
    """Every feature of `schema` out of n rows of its canonical types (see `core.domain.columns`)."""
    return _columns(rows, schema, _numbers(rows, schema), None)


def to_like_columns(rows: pa.Table | pa.RecordBatch, schema: Schema) -> tuple[Columns, Order | None]:
    """The same of rows in an order in which like ones are together, and that order; None if it is the rows' own."""
    found = _numbers(rows, schema)
    order = like_together(found.values(), len(rows))
    return _columns(rows, schema, found, order), order


def _columns(
    rows: pa.Table | pa.RecordBatch, schema: Schema, known: Mapping[str, NDArray[np.float32]], order: Order | None
) -> Columns:
    columns: dict[str, NDArray[Any]] = {}
    for name in schema.feature_names:
        if name not in known:
            columns[name] = _texts(_whole(rows.column(name)), order)
        else:
            columns[name] = known[name] if order is None else known[name][order]
    return columns


def _whole(values: pa.Array | pa.ChunkedArray) -> pa.Array:
    return values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values


def _numbers(rows: pa.Table | pa.RecordBatch, schema: Schema) -> dict[str, NDArray[np.float32]]:
    names = [feature.name for feature in schema.features if feature.type != "category"]
    return {name: _number(_whole(rows.column(name))) for name in names}


def _number(values: pa.Array) -> NDArray[np.float32]:
    """float32, NaN for null."""
    known = values.cast(pa.float32(), safe=False)
    return to_numpy(pc.fill_null(known, NAN) if known.null_count else known)


def _texts(values: pa.Array, order: Order | None) -> NDArray[np.object_]:
    """Object array; each distinct text is one Python string, however many rows have it."""
    coded = values if kinds.is_dictionary(values.type) else values.dictionary_encode()
    names = np.array([*coded.dictionary.to_pylist(), NULL_CATEGORY], dtype=object)
    places = coded.indices.cast(pa.int32())
    if places.null_count:
        places = pc.fill_null(places, numbers(np.array([len(names) - 1], np.int32))[0])
    chosen: NDArray[np.int32] = to_numpy(places)
    found: NDArray[np.object_] = names[chosen if order is None else chosen[order]]
    return found
