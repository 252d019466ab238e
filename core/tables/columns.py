"""Typed Arrow rows -> the columns that a model takes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as kinds
from numpy.typing import NDArray

from ..domain.columns import Columns
from ..domain.schema import NULL_CATEGORY, Schema


def to_columns(rows: pa.Table | pa.RecordBatch, schema: Schema) -> Columns:
    """Every feature of `schema` out of n rows of its canonical types (see `core.domain.columns`)."""
    return {feature.name: _column(rows.column(feature.name), feature.type) for feature in schema.features}


def _column(values: pa.Array | pa.ChunkedArray, kind: str) -> NDArray[Any]:
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    if kind == "category":
        return _texts(values)
    numbers: NDArray[np.float32] = values.cast(pa.float32(), safe=False).to_numpy(zero_copy_only=False)
    return numbers.astype(np.float32, copy=False)


def _texts(values: pa.Array) -> NDArray[np.object_]:
    """Object array; each distinct text is one Python string, however many rows have it."""
    coded = values if kinds.is_dictionary(values.type) else values.dictionary_encode()
    names = np.array([*coded.dictionary.to_pylist(), NULL_CATEGORY], dtype=object)
    places = coded.indices.cast(pa.int32())
    if places.null_count:
        places = pc.fill_null(places, len(names) - 1)
    found: NDArray[np.object_] = names[places.to_numpy(zero_copy_only=False)]
    return found
