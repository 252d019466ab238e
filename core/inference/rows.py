"""Rows of a request -> the columns that a model takes, checked against the model's schema.

A missing optional (nullable) feature is null. A missing required feature, a wrong type, an unknown field, a number out
of its range and a category outside its closed set are each a BadInput that names the field and the row, counted from 0.
The id, the time and the sensitive columns of the schema may stand beside the features: they are recorded, and are no
inputs of the model. Personal columns that the schema drops are accepted, and thrown away here, before anything is
recorded.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..domain.columns import Columns
from ..domain.schema import NULL_CATEGORY, Feature, Schema
from ..errors import BadInput

Values: TypeAlias = Sequence[Any]
"""One column as decoded from JSON: str, int, float, bool or None a row."""

_FLOAT32_MAX = float(np.finfo(np.float32).max)
_INT64_MAX = 2**63 - 1
_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Rows:
    """n checked rows: as a model takes them (`columns`), and as they are recorded (JSON values)."""

    count: int
    columns: Columns
    features: Mapping[str, Values]
    ids: Values | None = None
    times: Values | None = None
    sensitive: Mapping[str, Values] | None = None


class RowReader:
    """Reads the rows of requests to one model; made once a model."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self._inputs = {feature.name: (feature, _accepts(feature)) for feature in schema.features}
        self._recorded = _recorded(schema)
        self._known = frozenset((*self._inputs, *self._recorded, *schema.drop))

    def rows(self, rows: Values) -> Rows:
        """Read rows given as `{field: value}`; raises BadInput."""
        present: set[str] = set()
        for number, row in enumerate(rows):
            if not isinstance(row, dict):
                raise BadInput(f"row {number} must be an object with a value a feature, not {_kind(row)}.")
            if not row.keys() <= self._known:
                self._refuse_unknown(row, f" of row {number}")
            present.update(row.keys())
        wanted = [*self._inputs, *(name for name in self._recorded if name in present)]
        return self._read({name: [row.get(name) for row in rows] for name in wanted}, len(rows))

    def columns(self, columns: Mapping[str, Values]) -> Rows:
        """Read rows given as one list of values a field, all of one length; raises BadInput."""
        self._refuse_unknown(columns, "")
        counts = {name: len(values) for name, values in columns.items()}
        count = next(iter(counts.values()), 0)
        for name, other in counts.items():
            if other != count:
                raise BadInput(f"field {name!r} has {other} values, but field {next(iter(counts))!r} has {count}.")
        absent = {name: [None] * count for name in self._inputs if name not in columns}
        return self._read({**absent, **columns}, count)

    def _read(self, columns: Mapping[str, Values], count: int) -> Rows:
        if not count:
            raise BadInput("the request holds no rows: send at least one.")
        features = {name: columns[name] for name in self._inputs}
        recorded = {name: _texts(name, columns[name]) for name in self._recorded if name in columns}
        schema = self.schema
        if schema.time in recorded:
            recorded[schema.time] = _times(schema.time, recorded[schema.time])
        return Rows(
            count=count,
            columns={name: _column(*self._inputs[name], values) for name, values in features.items()},
            features=features,
            ids=recorded.get(schema.id or ""),
            times=recorded.get(schema.time or ""),
            sensitive={name: recorded[name] for name in schema.sensitive if name in recorded} or None,
        )

    def _refuse_unknown(self, fields: Mapping[str, Any], where: str) -> None:
        schema = self.schema
        for name in fields:
            if name == schema.target and name not in self._known:
                raise BadInput(f"field {name!r}{where} is what model {schema.model} predicts: leave it out.")
            if name not in self._known and schema.undeclared == "refuse":
                shown = name if len(name) <= _SHOWN else name[:_SHOWN] + "…"
                raise BadInput(
                    f"field {shown!r}{where} is unknown to model {schema.model}: "
                    f"its features are {', '.join(self._inputs)}."
                )


def _recorded(schema: Schema) -> tuple[str, ...]:
    beside = (schema.id, schema.time, *schema.sensitive)
    return tuple(dict.fromkeys(name for name in beside if name is not None and name not in schema.feature_names))


Accepts: TypeAlias = Callable[[Any], bool]


def _accepts(feature: Feature) -> Accepts:
    """Whether one value fits the feature. `bool` is no number, a string that looks like a number is none either."""
    nullable = feature.nullable
    if feature.type == "boolean":
        return lambda value: value is True or value is False or (value is None and nullable)
    if feature.type == "category":
        closed = None if feature.values is None else frozenset(feature.values)
        return lambda value: (
            (type(value) is str and (closed is None or value in closed)) or (value is None and nullable)
        )
    low, high = _range(feature)
    if feature.type == "integer":
        return lambda value: (
            ((type(value) is int or (type(value) is float and value.is_integer())) and low <= value <= high)
            or (value is None and nullable)
        )
    return lambda value: (
        ((type(value) is float or type(value) is int) and low <= value <= high) or (value is None and nullable)
    )


def _range(feature: Feature) -> tuple[float, float]:
    limit = _INT64_MAX if feature.type == "integer" else _FLOAT32_MAX
    low = -limit if feature.min is None else max(feature.min, -limit)
    return low, limit if feature.max is None else min(feature.max, limit)


def _column(feature: Feature, accepts: Accepts, values: Values) -> NDArray[Any]:
    if not all(map(accepts, values)):
        row = next(row for row, value in enumerate(values) if not accepts(value))
        raise BadInput(f"field {feature.name!r} of row {row} {_misfit(feature, values[row])}.")
    if feature.type == "category":
        return np.array([NULL_CATEGORY if value is None else value for value in values], dtype=object)
    return np.array(values, dtype=np.float32)


_WANTED = {"number": "a number", "integer": "a whole number", "boolean": "true or false", "category": "a string"}


def _misfit(feature: Feature, value: object) -> str:
    """What is wrong with a value that does not fit, to follow the field's name."""
    if value is None:
        return "is missing, and it is required"
    if feature.type == "category" and isinstance(value, str):
        return f"is {_shown(value)}, which is not one of {', '.join(map(repr, feature.values or ()))}"
    numeric = isinstance(value, int | float) and not isinstance(value, bool)
    if feature.type in {"number", "integer"} and numeric:
        return _misfit_number(feature, value)  # type: ignore[arg-type]
    return f"must be {_WANTED[feature.type]}, not {_kind(value)}"


def _misfit_number(feature: Feature, value: float) -> str:
    if isinstance(value, float) and not math.isfinite(value):
        return "must be a finite number; send null for a missing value"
    low, high = _range(feature)
    if value < low:
        return f"is {_shown(value)}, below the minimum {low:g}"
    if value > high:
        return f"is {_shown(value)}, above the maximum {high:g}"
    return f"must be a whole number, not {_shown(value)}"


def _kind(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return f"a boolean ({str(value).lower()})"
        case str():
            return f"a string ({_shown(value)})"
        case int() | float():
            return f"a number ({_shown(value)})"
        case list() | tuple():
            return "an array"
        case _:
            return "an object"


def _shown(value: object) -> str:
    if isinstance(value, int) and abs(value) > _INT64_MAX:
        return f"about {'-' if value < 0 else ''}2^{abs(value).bit_length() - 1}"
    text = repr(value)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"


def _texts(name: str, values: Values) -> Values:
    """Recorded columns are strings: a number or a boolean is written as JSON writes it."""
    return [_text(name, row, value) for row, value in enumerate(values)]


def _text(name: str, row: int, value: object) -> str | None:
    match value:
        case None | str():
            return value
        case bool():
            return str(value).lower()
        case int():
            return str(value)
        case float():
            return str(int(value)) if value.is_integer() else repr(value)
        case _:
            raise BadInput(f"field {name!r} of row {row} must be a string, not {_kind(value)}.")


def _times(name: str, values: Values) -> Values:
    """Times are recorded in UTC; one without an offset is in UTC, as in files."""
    return [None if value is None else _time(name, row, value) for row, value in enumerate(values)]


def _time(name: str, row: int, value: str) -> str:
    try:
        time = datetime.fromisoformat(value)
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC).isoformat()
    except (ValueError, OverflowError) as error:
        raise BadInput(f"field {name!r} of row {row} must be an RFC 3339 time or date, not {_shown(value)}.") from error
