"""What a request to one model may hold, as JSON Schema: the same rules that `rows` checks, for who writes a client.

Source: https://json-schema.org/draft/2020-12/json-schema-validation
Rows are described in full. JSON Schema cannot say that several arrays are of one length, so columns and tensors are
described for one row, and the document says in words that there may be more.
"""

from __future__ import annotations

from typing import Any

from ..domain.prediction import PREDICTION_ID
from ..domain.schema import Feature, Schema
from .openapi_schemas import list_of, object_of
from .row_types import number_range
from .tensors import ALL_WANTED, FLOATS, WANTED
from .v2 import output_names

_ID = {"type": ["string", "null"]}
_FLAG = {"type": "boolean"}
_SCALAR = {"type": ["string", "number", "boolean", "null"]}
_TIME = {"type": ["string", "null"], "format": "date-time"}
_ONE = {"minItems": 1, "maxItems": 1}
_DATATYPES = {"number": [*FLOATS], "integer": ["INT64", *FLOATS], "boolean": ["BOOL"], "category": ["BYTES"]}


def row_schema(schema: Schema) -> dict[str, Any]:
    """The object with a value a feature, and the columns that may stand beside the features.

    >>> row = row_schema(Schema("m", "binary", "y", (Feature("x", "number", min=0, max=9),)))
    >>> row["properties"], row["required"], row["additionalProperties"]
    ({'x': {'type': 'number', 'minimum': 0, 'maximum': 9}}, ['x'], False)
    """
    features = {feature.name: feature_schema(feature) for feature in schema.features}
    beside: dict[str, Any] = {name: {} for name in schema.drop}
    beside |= {name: _SCALAR for name in (schema.id, *schema.sensitive) if name is not None}
    if schema.time is not None:
        beside[schema.time] = _TIME
    known = {**beside, **features}
    open_to_more = schema.undeclared == "drop"
    if open_to_more:
        known.setdefault(schema.target, {"not": {}})
    return {
        "type": "object",
        "required": _required(schema),
        "properties": known,
        "additionalProperties": open_to_more,
    }


def columns_schema(schema: Schema) -> dict[str, Any]:
    """The object with a list of values a feature."""
    columns = {feature.name: list_of(feature_schema(feature), **_ONE) for feature in schema.features}
    return {"type": "object", "required": _required(schema), "properties": columns, "additionalProperties": False}


def infer_schema(schema: Schema) -> dict[str, Any]:
    """An inference request of V2 with one tensor a feature, in their order."""
    tensors = [_tensor(feature) for feature in schema.features]
    needed = max((at for at, each in enumerate(schema.features, 1) if not each.nullable), default=1)
    inputs = {"type": "array", "prefixItems": tensors, "minItems": needed, "maxItems": len(tensors)}
    names = {"enum": [*output_names(schema), PREDICTION_ID]}
    wanted = object_of({"name": names}, {"parameters": object_of({}, {WANTED: _FLAG})})
    beside = {"id": _ID, "parameters": object_of({}, {ALL_WANTED: _FLAG}), "outputs": list_of(wanted)}
    return object_of({"inputs": inputs}, beside)


def feature_schema(feature: Feature) -> dict[str, Any]:
    """One value of a feature."""
    match feature.type:
        case "category" if feature.values is not None:
            return {"enum": [*feature.values, *([None] if feature.nullable else [])]}
        case "category":
            return {"type": _type("string", feature)}
        case "boolean":
            return {"type": _type("boolean", feature)}
        case kind:
            low, high = number_range(feature)
            return {"type": _type(kind, feature), "minimum": low, "maximum": high}


def _required(schema: Schema) -> list[str]:
    return [feature.name for feature in schema.features if not feature.nullable]


def _type(name: str, feature: Feature) -> str | list[str]:
    return [name, "null"] if feature.nullable else name


def _tensor(feature: Feature) -> dict[str, Any]:
    return object_of(
        {
            "name": {"const": feature.name},
            "shape": {"enum": [[1], [1, 1]]},
            "datatype": {"enum": _DATATYPES[feature.type]},
            "data": list_of(feature_schema(feature), **_ONE),
        }
    )
