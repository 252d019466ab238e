"""`GET /openapi.json`: generated from the table of endpoints and the models that are loaded, so that it is true.

A request that fits the document is answered. So where models are loaded, the paths that take rows are told for each of
them, with what its rows are; what JSON Schema cannot say is said in words.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from ..domain.schema import Schema
from . import tensors, tfserving
from .http import JSON, MODEL_VERSION, REQUEST_ID
from .openapi_schemas import SCHEMAS, list_of, object_of, ref
from .row_schema import columns_schema, infer_schema, row_schema

VERSION = "3.1.0"

READING = (HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
"""How reading a body may fail."""
SERVING = (HTTPStatus.NOT_FOUND, HTTPStatus.SERVICE_UNAVAILABLE)
"""How finding a model may fail."""
DENYING = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS)
"""How asking may be denied, where access is limited."""
ANSWERED_TO_EVERYBODY = frozenset({"Live", "Ready"})

_ROWS, _COLUMNS, _TENSORS = "Row", "Columns", "InferRequest"
_UNNAMED = frozenset({"Invocation", "VertexRequest"})
_WORDS = {
    "InferRequest": "The inputs are told for one row each; they may hold any number, in tensors of shape [n] or [n,1], "
    f"in any order, without those that may be null. Tensors may follow the JSON as bytes, as {tensors.MEDIA_TYPE} with "
    f"{tensors.HEADER}: the binary tensor data extension of the Open Inference Protocol.",
    "PredictRequest": "Columns are told for one row; they may hold any number, each of them as many.",
    "Invocation": "Rows may come as text/csv too: the features in their order or, with a first line of names, in any.",
}


@dataclass(frozen=True, slots=True)
class Operation:
    """What the document says of one endpoint.

    `answer` names a schema of `SCHEMAS`, `request` what `_body` describes; `also` is a media type that both may have
    beside JSON.
    """

    id: str
    summary: str
    answer: str
    request: str | None = None
    also: str | None = None
    failures: tuple[HTTPStatus, ...] = ()


def document(
    operations: Iterable[tuple[str, str, Operation]],
    version: str,
    models: Sequence[Schema] = (),
    default_model: str | None = None,
) -> dict[str, Any]:
    """The document of (method, path template, operation) triples, and of the models that are loaded."""
    paths: dict[str, dict[str, Any]] = {}
    names = [schema.model for schema in models]
    for method, template, operation in operations:
        for path, model in _places(template, operation, names, default_model):
            item = paths.setdefault(path, {})
            if "{" in path:
                item["parameters"] = [_path_parameter(part.partition("}")[0]) for part in path.split("{")[1:]]
            item[method.lower()] = _operation(operation, model, one_of_many=path != template)
    return {
        "openapi": VERSION,
        "info": {"title": "Tidemill realtime inference", "version": version},
        "paths": paths,
        "components": {"schemas": {**SCHEMAS, **_of_models(models)}},
    }


def _places(
    template: str, operation: Operation, models: Sequence[str], default_model: str | None
) -> Iterable[tuple[str, str | None]]:
    """Where an operation is told: path, and the model whose rows it takes if that is known."""
    if operation.request in _UNNAMED:
        return [(template, default_model if default_model in models else None)]
    if operation.request is None or not models:
        return [(template, None)]
    return [(template.replace("{model}", model), model) for model in models]


def _of_models(models: Sequence[Schema]) -> dict[str, Any]:
    made = {_ROWS: row_schema, _COLUMNS: columns_schema, _TENSORS: infer_schema}
    return {_name(kind, schema.model): make(schema) for schema in models for kind, make in made.items()}


def _name(kind: str, model: str | None) -> str:
    return kind if model is None else f"{kind}-{model}"


def _body(request: str, model: str | None) -> dict[str, Any]:
    """The schema of a request to a model, or to any."""
    row = ref(_name(_ROWS, model))
    more = {"signature_name": {"enum": [tfserving.SIGNATURE, ""]}, "parameters": {}}
    instances = object_of({"instances": list_of(row, minItems=1)}, more)
    match request:
        case "InferRequest":
            return ref(_name(_TENSORS, model))
        case "PredictRequest":
            return {"anyOf": [instances, object_of({"inputs": ref(_name(_COLUMNS, model))}, more)]}
        case "Invocation":
            return {"anyOf": [instances, list_of(row, minItems=1), row]}
        case _:
            return instances


def _operation(operation: Operation, model: str | None, *, one_of_many: bool) -> dict[str, Any]:
    failures = {*operation.failures, HTTPStatus.INTERNAL_SERVER_ERROR}
    if operation.answer not in ANSWERED_TO_EVERYBODY:
        failures |= set(DENYING)
    described: dict[str, Any] = {
        "operationId": f"{operation.id}_{model}" if one_of_many else operation.id,
        "summary": operation.summary,
        "parameters": [{"name": REQUEST_ID, "in": "header", "schema": {"type": "string"}}],
        "responses": {
            "200": _response("The answer.", operation.answer, operation.also),
            **{str(int(status)): _response(status.phrase, "Error") for status in sorted(failures)},
        },
    }
    if operation.request is not None:
        described["requestBody"] = {
            "required": True,
            "content": {JSON: {"schema": _body(operation.request, model)}},
        }
    if operation.request in _WORDS:
        described["description"] = _WORDS[operation.request]
    return described


def _response(description: str, schema: str, also: str | None = None) -> dict[str, Any]:
    headers: dict[str, Any] = {
        REQUEST_ID: {"schema": {"type": "string"}, "required": True},
        MODEL_VERSION: {"schema": {"type": "string"}, "description": "The version that answered, if one did."},
    }
    content: dict[str, Any] = {JSON: {"schema": ref(schema)}}
    if also is not None:
        content[also] = {"schema": {"type": "string"}}
    if also == tensors.MEDIA_TYPE:
        what = "How many bytes of the body are JSON, where bytes of tensors follow it."
        headers[tensors.HEADER] = {"schema": {"type": "integer"}, "description": what}
    return {"description": description, "headers": headers, "content": content}


def _path_parameter(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
