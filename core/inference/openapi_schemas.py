"""What requests and answers are, as the JSON Schemas of the OpenAPI document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .tensors import ALL_WANTED, DATATYPES, SIZE, WANTED

Json = Mapping[str, Any]


def ref(name: str) -> dict[str, str]:
    """A reference to the schema of that name."""
    return {"$ref": f"#/components/schemas/{name}"}


def object_of(required: Mapping[str, Json], optional: Mapping[str, Json] | None = None) -> dict[str, Any]:
    """An object with these properties, and maybe others."""
    return {"type": "object", "required": list(required), "properties": {**required, **(optional or {})}}


def list_of(items: Json, **limits: int) -> dict[str, Any]:
    """An array."""
    return {"type": "array", "items": items, **limits}


_TEXT: Json = {"type": "string"}
_FLAG: Json = {"type": "boolean"}
_NUMBER: Json = {"type": ["number", "null"]}
_SCALAR: Json = {"type": ["string", "number", "boolean", "null"]}
_OBJECT: Json = {"type": "object"}
_DATA: Json = {"type": "array"}
_SIZE: Json = {"type": "integer", "minimum": 0}
_IDS = list_of(_TEXT)
_SHAPE = list_of(_SIZE, minItems=1, maxItems=2)
_DATATYPE: Json = {"type": "string", "enum": list(DATATYPES)}
_TENSOR: dict[str, Json] = {"name": _TEXT, "shape": _SHAPE, "datatype": _DATATYPE}
_TENSOR_METADATA = object_of(
    {"name": _TEXT, "datatype": _DATATYPE, "shape": list_of({"type": "integer"})}, {"parameters": _OBJECT}
)
_TENSOR_INFO = object_of({"name": _TEXT, "dtype": _TEXT, "tensor_shape": _OBJECT})
_TENSOR_INFOS: Json = {"type": "object", "additionalProperties": _TENSOR_INFO}
_SIGNATURE = object_of({"inputs": _TENSOR_INFOS, "outputs": _TENSOR_INFOS, "method_name": _TEXT})
_SIGNATURES = object_of({"signature_def": {"type": "object", "additionalProperties": _SIGNATURE}})
_VERSION_STATUS = object_of(
    {"version": _TEXT, "state": _TEXT, "status": object_of({"error_code": _TEXT, "error_message": _TEXT})}
)

SCHEMAS: Mapping[str, Json] = {
    "Error": object_of({"error": {"type": "string", "description": "One sentence."}}),
    "Live": object_of({"live": _FLAG}),
    "Ready": object_of({"ready": _FLAG}),
    "ModelReady": object_of({"name": _TEXT, "ready": _FLAG}),
    "Server": object_of({"name": _TEXT, "version": _TEXT, "extensions": list_of(_TEXT)}),
    "Model": object_of(
        {
            "name": _TEXT,
            "versions": list_of(_TEXT),
            "platform": _TEXT,
            "inputs": list_of(_TENSOR_METADATA),
            "outputs": list_of(_TENSOR_METADATA),
        }
    ),
    "InferRequest": object_of(
        {
            "inputs": list_of(
                object_of(_TENSOR, {"data": _DATA, "parameters": object_of({}, {SIZE: _SIZE})}), minItems=1
            )
        },
        {
            "id": {"type": ["string", "null"]},
            "parameters": object_of({}, {ALL_WANTED: _FLAG}),
            "outputs": list_of(object_of({"name": _TEXT}, {"parameters": object_of({}, {WANTED: _FLAG})})),
        },
    ),
    "InferAnswer": object_of(
        {
            "model_name": _TEXT,
            "model_version": _TEXT,
            "outputs": list_of(object_of({**_TENSOR, "data": _DATA}, {"parameters": _OBJECT})),
        },
        {"id": _TEXT, "parameters": _OBJECT},
    ),
    "Row": {"type": "object", "additionalProperties": _SCALAR, "description": "One value a feature."},
    "Columns": {"type": "object", "additionalProperties": _DATA, "description": "A list of values a feature."},
    "PredictAnswer": {
        "anyOf": [
            object_of({"predictions": list_of(ref("Prediction")), "prediction_ids": _IDS}),
            object_of({"outputs": {"type": ["object", "array"]}, "prediction_ids": _IDS}),
        ]
    },
    "Prediction": {
        "oneOf": [
            object_of({"label": _TEXT, "probabilities": {"type": "object", "additionalProperties": _NUMBER}}),
            object_of({"prediction": _NUMBER}),
        ]
    },
    "VertexAnswer": object_of(
        {
            "predictions": list_of(ref("Prediction")),
            "metadata": object_of({"model": _TEXT, "model_version": _TEXT, "prediction_ids": _IDS}),
        }
    ),
    "ModelStatus": object_of({"model_version_status": list_of(_VERSION_STATUS), "name": _TEXT, "ready": _FLAG}),
    "ModelSignature": object_of(
        {
            "model_spec": object_of({"name": _TEXT, "signature_name": _TEXT, "version": _TEXT}),
            "metadata": object_of({"signature_def": _SIGNATURES}),
        }
    ),
    "Kept": object_of({"key": _TEXT, "rows": _SIZE}),
    "Document": object_of({"openapi": _TEXT, "paths": _OBJECT}),
}
