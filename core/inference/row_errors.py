"""Why rows are refused: one sentence that names the field and the row, counted from 0."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ..domain.schema import Feature, Schema
from ..errors import BadInput
from .row_types import INT64_MAX, Fields, Values, number_range

_SHOWN = 60


def check_rows(schema: Schema, rows: Values) -> None:
    """Raises BadInput for the first mistake in rows given as `{field: value}`."""
    for number, row in enumerate(rows):
        if not isinstance(row, dict):
            raise BadInput(f"row {number} must be an object with a value a feature, not {kind_of(row)}.")
        _check_names(schema, row, f" of row {number}")
    check_count(len(rows))
    for feature in schema.features:
        _check_values(feature, [row.get(feature.name) for row in rows])


def check_columns(schema: Schema, columns: Mapping[str, Values]) -> None:
    """Raises BadInput for the first mistake in rows given as one list of values a field."""
    _check_names(schema, columns, "")
    counts = {name: len(values) for name, values in columns.items()}
    count = next(iter(counts.values()), 0)
    for name, other in counts.items():
        if other != count:
            raise BadInput(f"field {name!r} has {other} values, but field {next(iter(counts))!r} has {count}.")
    check_count(count)
    for feature in schema.features:
        _check_values(feature, columns.get(feature.name) or [None] * count)


def check_count(count: int) -> None:
    """Raises BadInput if there are no rows."""
    if not count:
        raise BadInput("the request holds no rows: send at least one.")


def _check_names(schema: Schema, fields: Mapping[str, Any], where: str) -> None:
    known = {name for names in Fields.of(schema) for name in names}
    for name in fields:
        if name == schema.target and name not in known:
            raise BadInput(f"field {name!r}{where} is what model {schema.model} predicts: leave it out.")
        if name not in known and schema.undeclared == "refuse":
            shown = name if len(name) <= _SHOWN else name[:_SHOWN] + "…"
            raise BadInput(
                f"field {shown!r}{where} is unknown to model {schema.model}: "
                f"its features are {', '.join(schema.feature_names)}."
            )


def _check_values(feature: Feature, values: Values) -> None:
    for row, value in enumerate(values):
        if problem := _misfit(feature, value):
            raise BadInput(f"field {feature.name!r} of row {row} {problem}.")


_WANTED = {"number": "a number", "integer": "a whole number", "boolean": "true or false", "category": "a string"}


def _misfit(feature: Feature, value: object) -> str | None:
    """What is wrong with a value, to follow the field's name; None if it fits."""
    match value:
        case None:
            return None if feature.nullable else "is missing, and it is required"
        case bool():
            fits = feature.type == "boolean"
        case int() | float() if feature.type in {"number", "integer"}:
            return _misfit_number(feature, value)
        case str() if feature.type == "category" and feature.values is not None and value not in feature.values:
            return f"is {shown(value)}, which is not one of {', '.join(map(repr, feature.values))}"
        case _:
            fits = feature.type == "category" and isinstance(value, str)
    return None if fits else f"must be {_WANTED[feature.type]}, not {kind_of(value)}"


def _misfit_number(feature: Feature, value: float) -> str | None:
    if isinstance(value, float) and not math.isfinite(value):
        return "must be a finite number; send null for a missing value"
    low, high = number_range(feature)
    if value < low:
        return f"is {shown(value)}, below the minimum {low:g}"
    if value > high:
        return f"is {shown(value)}, above the maximum {high:g}"
    if feature.type == "integer" and isinstance(value, float) and not value.is_integer():
        return f"must be a whole number, not {shown(value)}"
    return None


def kind_of(value: object) -> str:
    """What a JSON value is, in words."""
    match value:
        case None:
            return "null"
        case bool():
            return f"a boolean ({str(value).lower()})"
        case str():
            return f"a string ({shown(value)})"
        case int() | float():
            return f"a number ({shown(value)})"
        case list() | tuple():
            return "an array"
        case _:
            return "an object"


def shown(value: object) -> str:
    """A value as a sentence quotes it: never long."""
    if isinstance(value, int) and abs(value) > INT64_MAX:
        return f"about {'-' if value < 0 else ''}2^{abs(value).bit_length() - 1}"
    text = repr(value)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
