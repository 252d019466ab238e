"""Typed Arrow rows -> the columns that a model takes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as kinds
from numpy.typing import NDArray

from ..domain.columns import Columns
from ..domain.schema import NULL_CATEGORY, Schema
from .arrow import TEXT
from .buffers import numbers, to_numpy
from .raw import one_batch

CODED = pa.dictionary(pa.int32(), TEXT)
NAN = numbers(np.array([np.nan], np.float32))[0]


@dataclass(frozen=True, slots=True)
class CodedColumns:
    """Columns of n rows (see `core.domain.columns`) of which any may be taken, in any order.

    `values` are numbers [n], and for a category places [n] in its `texts`, whose last is for null.
    """

    values: dict[str, NDArray[Any]]
    texts: dict[str, NDArray[np.object_]]

    def take(self, rows: NDArray[np.intp] | slice) -> Columns:
        """Only these rows [m]; each distinct text is one Python string, however many rows have it."""
        return {name: self._taken(name, values[rows]) for name, values in self.values.items()}

    def _taken(self, name: str, values: NDArray[Any]) -> NDArray[Any]:
        return self.texts[name][values] if name in self.texts else values


def to_columns(rows: pa.Table | pa.RecordBatch, schema: Schema) -> Columns:
    """Every feature of `schema` out of n rows of its canonical types (see `core.domain.columns`)."""
    return coded_columns([to_features(rows, schema)]).take(slice(None))


def to_features(rows: pa.Table | pa.RecordBatch, schema: Schema) -> pa.RecordBatch:
    """Every feature of `schema` out of n rows of its canonical types: float32 with NaN for null, or coded text."""
    known = {feature.name: _whole(rows.column(feature.name)) for feature in schema.features}
    texts = {feature.name for feature in schema.features if feature.type == "category"}
    return pa.RecordBatch.from_pydict(
        {name: coded_text(values) if name in texts else _number(values) for name, values in known.items()}
    )


def coded_columns(features: Iterable[pa.RecordBatch]) -> CodedColumns:
    """The columns of all these rows, one behind the other; there is at least one batch of them."""
    batch = one_batch(pa.Table.from_batches(features).unify_dictionaries())
    columns = dict(zip(batch.schema.names, batch.columns, strict=True))
    texts = {name: _texts(values) for name, values in columns.items() if kinds.is_dictionary(values.type)}
    values = {
        name: _places(values, len(texts[name]) - 1) if name in texts else to_numpy(values)
        for name, values in columns.items()
    }
    return CodedColumns(values, texts)


def coded_text(values: pa.Array) -> pa.DictionaryArray:
    """The same text as places [n] in its distinct values."""
    return values.cast(CODED) if kinds.is_dictionary(values.type) else values.dictionary_encode()


def _whole(values: pa.Array | pa.ChunkedArray) -> pa.Array:
    return values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values


def _number(values: pa.Array) -> pa.Array:
    known = values.cast(pa.float32(), safe=False)
    return pc.fill_null(known, NAN) if known.null_count else known


def _texts(values: pa.DictionaryArray) -> NDArray[np.object_]:
    return np.array([*values.dictionary.to_pylist(), NULL_CATEGORY], dtype=object)


def _places(values: pa.DictionaryArray, null: int) -> NDArray[np.int32]:
    places = values.indices
    return to_numpy(pc.fill_null(places, numbers(np.array([null], np.int32))[0]) if places.null_count else places)
