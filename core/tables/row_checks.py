"""What a schema asks of each value: vectorised, a mask and a problem at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as kinds

from ..domain.prediction import PREDICTION_ID
from ..domain.schema import Feature, Schema
from .arrow import Kind
from .buffers import texts

Finding: TypeAlias = tuple[str | None, str, pa.Array]
"""The column, its problem, and the rows [n] that have it."""

MISSING = "is missing"
SHOWN = 20
"""Values of a closed set that are told."""


def findings(batch: pa.RecordBatch, schema: Schema, kind: Kind) -> Iterator[Finding]:
    """Everything that is wrong with the typed rows of `batch`, which has the columns of `dataset_schema`.

    Text may be dictionary-encoded. A whole column is proven clean by its null count, its ends or its distinct values
    where that can be; a mask is made only of a column that has something wrong.
    """
    if kind == "labels":
        yield from _label_findings(batch, schema)
        return
    required = [schema.id, schema.time, schema.target] if kind == "rows" else []
    for name in dict.fromkeys(required):
        if name is not None:
            yield from _missing(batch.column(name), name)
    for feature in schema.features:
        yield from _feature_findings(batch.column(feature.name), feature)


def _label_findings(batch: pa.RecordBatch, schema: Schema) -> Iterator[Finding]:
    """A label needs one of the keys that join it to a prediction."""
    no_id = pa.repeat(True, batch.num_rows) if schema.id is None else pc.is_null(batch.column(schema.id))
    neither = pc.and_(no_id, pc.is_null(batch.column(PREDICTION_ID)))
    if pc.any(neither).as_py():
        yield schema.id or PREDICTION_ID, MISSING, neither
    yield from _missing(batch.column(schema.target), schema.target)


def _missing(values: pa.Array, name: str) -> Iterator[Finding]:
    if values.null_count:
        yield name, MISSING, pc.is_null(values)


def _feature_findings(values: pa.Array, feature: Feature) -> Iterator[Finding]:
    if not feature.nullable:
        yield from _missing(values, feature.name)
    if feature.min is not None or feature.max is not None:
        yield from _out_of_bounds(values, feature)
    if feature.values is not None:
        yield from _strange(values, feature.name, feature.values)


def _out_of_bounds(values: pa.Array, feature: Feature) -> Iterator[Finding]:
    ends = pc.min_max(values).as_py()
    if feature.min is not None and ends["min"] is not None and ends["min"] < feature.min:
        yield feature.name, f"is below the minimum {feature.min:.15g}", _true(pc.less(values, feature.min))
    if feature.max is not None and ends["max"] is not None and ends["max"] > feature.max:
        yield feature.name, f"is above the maximum {feature.max:.15g}", _true(pc.greater(values, feature.max))


def _strange(values: pa.Array, name: str, closed: tuple[str, ...]) -> Iterator[Finding]:
    known = texts(closed)
    if kinds.is_dictionary(values.type):
        if pc.all(pc.is_in(values.dictionary, value_set=known)).as_py() is not False:
            return
        values = values.dictionary_decode()
    strange = pc.and_(values.is_valid(), pc.invert(pc.is_in(values, value_set=known)))
    if pc.any(strange).as_py():
        yield name, f"is not one of {_listed(closed)}", strange


def _listed(values: tuple[str, ...]) -> str:
    few = ", ".join(values[:SHOWN])
    return few if len(values) <= SHOWN else f"{few} and {len(values) - SHOWN:,} more"


def _true(mask: pa.Array) -> pa.Array:
    return pc.fill_null(mask, False)
