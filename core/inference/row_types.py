"""The types that a model's rows are decoded with: made of its schema, so that one pass in C reads and checks a body.

What these types accept is right. What they refuse is explained by `row_errors`, which is slower and tells the field.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, Any, Literal, NamedTuple, TypeAlias

import msgspec
import numpy as np
from msgspec import UNSET, Meta, UnsetType

from ..domain.schema import Feature, Schema

Values: TypeAlias = Sequence[Any]
"""One column as decoded from JSON: str, int, float, bool or None a row."""

FLOAT32_MAX = float(np.finfo(np.float32).max)
INT64_MAX = 2**63 - 1
_INT64_MAX_FLOAT = 2.0**63 - 1024
"""The largest float64 that an INT64 can hold."""


class Fields(NamedTuple):
    """The fields that a row may have: inputs of the model, what is recorded beside them, what is thrown away."""

    features: tuple[str, ...]
    recorded: tuple[str, ...]
    dropped: tuple[str, ...]

    @classmethod
    def of(cls, schema: Schema) -> Fields:
        """The fields of a schema, each once."""
        features = schema.feature_names
        beside = (schema.id, schema.time, *schema.sensitive)
        recorded = tuple(dict.fromkeys(name for name in beside if name is not None and name not in features))
        return cls(features, recorded, tuple(name for name in schema.drop if name not in (*features, *recorded)))


def number_range(feature: Feature) -> tuple[float, float]:
    """The least and the greatest value of a number or an integer."""
    limit = INT64_MAX if feature.type == "integer" else FLOAT32_MAX
    low = -limit if feature.min is None else max(feature.min, -limit)
    return low, limit if feature.max is None else min(feature.max, limit)


def instances_type(schema: Schema) -> Any:  # noqa: ANN401 - a type that is made here
    """The type of `{"instances": [row]}`, TensorFlow Serving's row format; other formats are refused by it."""
    row = _struct(schema, columns=False)
    instances = ("instances", list[row])  # type: ignore[valid-type]
    fields: list[Any] = [instances, ("inputs", None, None), ("signature_name", Literal["", "serving_default"], "")]
    return msgspec.defstruct("Instances", fields, frozen=True, gc=False)


def columns_type(schema: Schema) -> Any:  # noqa: ANN401 - a type that is made here
    """The type of `{field: [value]}`."""
    return _struct(schema, columns=True)


def features_type(schema: Schema) -> type[msgspec.Struct]:
    """The type of a row as it is recorded: a field a feature, in their order."""
    fields = [(f"field_{number}", Any, msgspec.field(name=name)) for number, name in enumerate(schema.feature_names)]
    return msgspec.defstruct("Features", fields, frozen=True, gc=False)


def _struct(schema: Schema, *, columns: bool) -> Any:  # noqa: ANN401 - a type that is made here
    """A struct whose fields are those of `Fields`, in that order; a field that is left out is None or UNSET."""
    names = Fields.of(schema)
    kinds = [_value_type(feature) for feature in schema.features] + [Any] * len(names.recorded + names.dropped)
    optional = [feature.nullable for feature in schema.features] + [True] * len(names.recorded + names.dropped)
    absent = UNSET if columns else None
    fields = []
    for number, (name, kind, may_lack) in enumerate(zip(sum(names, ()), kinds, optional, strict=True)):
        of_kind = list[kind] | UnsetType if columns else kind  # type: ignore[valid-type]
        default = absent if number < len(names.features) else UNSET
        field = msgspec.field(name=name, default=default) if may_lack else msgspec.field(name=name)
        fields.append((f"field_{number}", of_kind, field))
    if schema.target not in sum(names, ()):  # nothing in JSON is UNSET: a row that tells the target is refused
        fields.append(("target", UnsetType, msgspec.field(name=schema.target, default=UNSET)))
    strict = schema.undeclared == "refuse"
    return msgspec.defstruct("Row", fields, forbid_unknown_fields=strict, frozen=True, kw_only=True, gc=False)


def _value_type(feature: Feature) -> Any:  # noqa: ANN401 - a type that is made here
    kind = _required_type(feature)
    return kind | None if feature.nullable else kind


def _required_type(feature: Feature) -> Any:  # noqa: ANN401 - a type that is made here
    """`bool` is no number, a string that looks like a number is none either."""
    if feature.type == "boolean":
        return bool
    if feature.type == "category":
        return str if feature.values is None else Literal[feature.values]
    low, high = number_range(feature)
    if feature.type == "number":
        return Annotated[float, Meta(ge=float(low), le=float(high))]
    whole = Annotated[int, Meta(ge=math.ceil(low), le=math.floor(high))]
    bounds = max(float(low), -_INT64_MAX_FLOAT), min(float(high), _INT64_MAX_FLOAT)
    return whole | Annotated[float, Meta(ge=bounds[0], le=bounds[1], multiple_of=1.0)]
