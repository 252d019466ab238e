"""The one Arrow schema that the rows of a model have, in memory and in Parquet."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import pyarrow as pa

from ..domain.prediction import PREDICTION_ID
from ..domain.schema import FeatureType, Schema

Kind = Literal["rows", "labels", "score"]

TEXT = pa.string()
NUMBER = pa.float64()
TIME = pa.timestamp("us", tz="UTC")
TYPES: dict[FeatureType, pa.DataType] = {
    "number": NUMBER,
    "integer": pa.int64(),
    "boolean": pa.bool_(),
    "category": TEXT,
}


def target_type(schema: Schema) -> pa.DataType:
    """Labels are text, whatever the source calls them; a quantity is a number."""
    return NUMBER if schema.task == "regression" else TEXT


def dataset_schema(schema: Schema, kind: Kind = "rows") -> pa.Schema:
    """Columns in their canonical order and types; every one can hold nulls.

    rows: id?, time?, features, sensitive (those not there already), target. score: the same without target.
    labels: id?, prediction_id, target.
    """
    columns = _labels(schema) if kind == "labels" else _rows(schema, kind)
    return pa.schema(list(dict(columns).items()))


def _labels(schema: Schema) -> Iterator[tuple[str, pa.DataType]]:
    if schema.id is not None:
        yield schema.id, TEXT
    yield PREDICTION_ID, TEXT
    yield schema.target, target_type(schema)


def _rows(schema: Schema, kind: Kind) -> Iterator[tuple[str, pa.DataType]]:
    """A column of two roles is yielded twice; the first place and the last type hold."""
    types = {feature.name: TYPES[feature.type] for feature in schema.features}
    if schema.id is not None:
        yield schema.id, TEXT
    if schema.time is not None:
        yield schema.time, TIME
    yield from types.items()
    taken = {schema.id, schema.time, schema.target, *types}
    yield from ((name, TEXT) for name in schema.sensitive if name not in taken)
    if kind == "rows":
        yield schema.target, target_type(schema)
