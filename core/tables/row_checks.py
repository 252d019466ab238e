"""What a schema asks of each value: vectorised, a mask and a problem at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from ..domain.prediction import PREDICTION_ID
from ..domain.schema import Feature, Schema
from .arrow import Kind

Finding: TypeAlias = tuple[str | None, str, pa.Array]
"""The column, its problem, and the rows [n] that have it."""

MISSING = "is missing"
SHOWN = 20
"""Values of a closed set that are told."""


def findings(batch: pa.RecordBatch, schema: Schema, kind: Kind) -> Iterator[Finding]:
    """Everything that is wrong with the typed rows of `batch`, which has the columns of `dataset_schema`."""
    if kind == "labels":
        yield from _label_findings(batch, schema)
        return
    required = [schema.id, schema.time, schema.target] if kind == "rows" else []
    for name in dict.fromkeys(required):
        if name is not None:
            yield name, MISSING, pc.is_null(batch.column(name))
    for feature in schema.features:
        yield from _feature_findings(batch.column(feature.name), feature)


def _label_findings(batch: pa.RecordBatch, schema: Schema) -> Iterator[Finding]:
    """A label needs one of the keys that join it to a prediction."""
    no_id = pa.repeat(True, batch.num_rows) if schema.id is None else pc.is_null(batch.column(schema.id))
    yield schema.id or PREDICTION_ID, MISSING, pc.and_(no_id, pc.is_null(batch.column(PREDICTION_ID)))
    yield schema.target, MISSING, pc.is_null(batch.column(schema.target))


def _feature_findings(values: pa.Array, feature: Feature) -> Iterator[Finding]:
    if not feature.nullable:
        yield feature.name, MISSING, pc.is_null(values)
    if feature.min is not None:
        yield feature.name, f"is below the minimum {feature.min:.15g}", _true(pc.less(values, feature.min))
    if feature.max is not None:
        yield feature.name, f"is above the maximum {feature.max:.15g}", _true(pc.greater(values, feature.max))
    if feature.values is not None:
        known = pc.is_in(values, value_set=pa.array(feature.values))
        strange = pc.and_(values.is_valid(), pc.invert(known))
        yield feature.name, f"is not one of {_listed(feature.values)}", strange


def _listed(values: tuple[str, ...]) -> str:
    few = ", ".join(values[:SHOWN])
    return few if len(values) <= SHOWN else f"{few} and {len(values) - SHOWN:,} more"


def _true(mask: pa.Array) -> pa.Array:
    return pc.fill_null(mask, False)
