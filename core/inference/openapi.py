"""`GET /openapi.json`: generated from the table of endpoints, so that it is true."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from .http import JSON, MODEL_VERSION, REQUEST_ID
from .v2 import FLOATS, INTEGERS

VERSION = "3.1.0"

Schema = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Operation:
    """What the document says of one endpoint. `request` and `answer` name schemas of `SCHEMAS`."""

    id: str
    summary: str
    answer: str
    request: str | None = None
    csv: bool = False
    failures: tuple[HTTPStatus, ...] = ()


READING = (HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
"""How reading a body may fail."""
SERVING = (HTTPStatus.NOT_FOUND, HTTPStatus.SERVICE_UNAVAILABLE)
"""How finding a model may fail."""


def document(operations: Iterable[tuple[str, str, Operation]], version: str) -> dict[str, Any]:
    """The document of (method, path template, operation) triples."""
    paths: dict[str, dict[str, Any]] = {}
    for method, path, operation in operations:
        item = paths.setdefault(path, {})
        item[method.lower()] = _operation(operation)
        if "{" in path:
            item["parameters"] = [_path_parameter(name) for name in ("model", "version") if f"{{{name}}}" in path]
    return {
        "openapi": VERSION,
        "info": {"title": "Tidemill realtime inference", "version": version},
        "paths": paths,
        "components": {"schemas": SCHEMAS},
    }


def _operation(operation: Operation) -> dict[str, Any]:
    failures = {*operation.failures, HTTPStatus.INTERNAL_SERVER_ERROR}
    described: dict[str, Any] = {
        "operationId": operation.id,
        "summary": operation.summary,
        "parameters": [{"name": REQUEST_ID, "in": "header", "schema": {"type": "string"}}],
        "responses": {
            "200": _response("The answer.", operation.answer),
            **{str(int(status)): _response(status.phrase, "Error") for status in sorted(failures)},
        },
    }
    if operation.request is not None:
        content: dict[str, Any] = {JSON: {"schema": _ref(operation.request)}}
        if operation.csv:
            content["text/csv"] = {"schema": {"type": "string"}}
        described["requestBody"] = {"required": True, "content": content}
    return described


def _response(description: str, schema: str) -> dict[str, Any]:
    return {
        "description": description,
        "headers": {
            REQUEST_ID: {"schema": {"type": "string"}, "required": True},
            MODEL_VERSION: {"schema": {"type": "string"}, "description": "The version that answered, if one did."},
        },
        "content": {JSON: {"schema": _ref(schema)}},
    }


def _path_parameter(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def _object(required: Mapping[str, Schema], optional: Mapping[str, Schema] | None = None) -> dict[str, Any]:
    return {"type": "object", "required": list(required), "properties": {**required, **(optional or {})}}


def _list(items: Schema, **limits: int) -> dict[str, Any]:
    return {"type": "array", "items": items, **limits}


_TEXT: Schema = {"type": "string"}
_NUMBER: Schema = {"type": ["number", "null"]}
_SCALAR: Schema = {"type": ["string", "number", "boolean", "null"]}
_OBJECT: Schema = {"type": "object"}
_IDS = _list(_TEXT)
_SHAPE = _list({"type": "integer", "minimum": 0}, minItems=1, maxItems=2)
_ROW: Schema = {"type": "object", "additionalProperties": _SCALAR, "description": "One value a feature."}
_DATATYPE: Schema = {"type": "string", "enum": [*sorted(FLOATS | INTEGERS), "BOOL", "BYTES"]}
_TENSOR_METADATA = _object({"name": _TEXT, "datatype": _TEXT, "shape": _list({"type": "integer"})})

SCHEMAS: dict[str, Schema] = {
    "Error": _object({"error": {"type": "string", "description": "One sentence."}}),
    "Live": _object({"live": {"type": "boolean"}}),
    "Ready": _object({"ready": {"type": "boolean"}}),
    "ModelReady": _object({"name": _TEXT, "ready": {"type": "boolean"}}),
    "Server": _object({"name": _TEXT, "version": _TEXT, "extensions": _list(_TEXT)}),
    "Model": _object(
        {
            "name": _TEXT,
            "versions": _list(_TEXT),
            "platform": _TEXT,
            "inputs": _list(_TENSOR_METADATA),
            "outputs": _list(_TENSOR_METADATA),
        }
    ),
    "InferRequest": _object(
        {
            "inputs": _list(
                _object(
                    {"name": _TEXT, "shape": _SHAPE, "datatype": _DATATYPE, "data": {"type": "array"}},
                    {"parameters": _OBJECT},
                ),
                minItems=1,
            )
        },
        {"id": _TEXT, "parameters": _OBJECT, "outputs": _list(_object({"name": _TEXT}, {"parameters": _OBJECT}))},
    ),
    "InferAnswer": _object(
        {
            "model_name": _TEXT,
            "model_version": _TEXT,
            "outputs": _list(_object({"name": _TEXT, "datatype": _TEXT, "shape": _SHAPE, "data": {"type": "array"}})),
        },
        {"id": _TEXT},
    ),
    "PredictRequest": {
        "anyOf": [
            _object({"instances": _list(_ROW, minItems=1)}),
            _object({"inputs": {"type": "object", "additionalProperties": {"type": "array"}}}),
        ]
    },
    "PredictAnswer": {
        "anyOf": [
            _object({"predictions": _list(_ref("Prediction")), "prediction_ids": _IDS}),
            _object({"outputs": {"type": ["object", "array"]}, "prediction_ids": _IDS}),
        ]
    },
    "Prediction": {
        "oneOf": [
            _object({"label": _TEXT, "probabilities": {"type": "object", "additionalProperties": _NUMBER}}),
            _object({"prediction": _NUMBER}),
        ]
    },
    "Invocation": {"anyOf": [_ref("PredictRequest"), _list(_ROW, minItems=1), _ROW]},
    "ModelStatus": _object({"model_version_status": _list(_OBJECT)}),
    "Document": _object({"openapi": _TEXT}),
}
