"""`GET /openapi.json`: generated from the table of endpoints and the models that are loaded, so that it is true.

A request that fits the document is answered. So where models are loaded, the paths that take rows are told for each of
them, with what its rows are; what JSON Schema cannot say is said in words.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from ..domain.schema import Schema
from . import tensors, tfserving
from .access import Scheme
from .endpoint import ANSWERED_TO_EVERYBODY, Operation
from .http import JSON
from .metrics import METRICS_PATH
from .openapi_headers import answer_headers, parameters, path_parameters, security_schemes
from .openapi_schemas import SCHEMAS, list_of, object_of, ref
from .row_schema import columns_schema, infer_schema, row_schema

VERSION = "3.1.0"

DENYING = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS)
"""How asking may be denied, where access is limited."""

_ROWS, _COLUMNS, _TENSORS = "Row", "Columns", "InferRequest"
_METRICS = Operation("metrics", "What this process has counted, as Prometheus reads it.", "Metrics")
_PLAIN = {"Metrics": "text/plain", "File": "application/octet-stream"}
"""Answers that are not JSON, and what they are."""
_UNNAMED = frozenset({"Invocation", "VertexRequest"})
_ABOUT = (
    "HEAD answers wherever GET does. A body may come as gzip or deflate, told by content-encoding. Of each model that "
    "is loaded it is told what its rows are. Each answer names the version that gave it, and has an id a row: "
    "`prediction_ids` or, in the Open Inference Protocol, the output `prediction_id`."
)
_WORDS = {
    "InferRequest": "The inputs are told for one row each; they may hold any number, in tensors of shape [n] or [n,1], "
    f"in any order, without those that may be null. Tensors may follow the JSON as bytes, as {tensors.MEDIA_TYPE} with "
    f"{tensors.HEADER}: the binary tensor data extension of the Open Inference Protocol.",
    "PredictRequest": "Columns are told for one row; they may hold any number, each of them as many.",
    "Invocation": "Rows may come as text/csv too: the features in their order or, with a first line of names, in any.",
}


def document(
    operations: Iterable[tuple[str, str, Operation]],
    version: str,
    models: Sequence[Schema] = (),
    default_model: str | None = None,
    schemes: Sequence[Scheme] = (),
) -> dict[str, Any]:
    """The document of (method, path template, operation) triples, and of the models that are loaded.

    `schemes` are the ways to say who asks, none where nobody has to.
    """
    paths: dict[str, dict[str, Any]] = {}
    names = [schema.model for schema in models]
    for method, template, operation in (*operations, ("GET", METRICS_PATH, _METRICS)):
        for path, model in _places(template, operation, names, default_model):
            item = paths.setdefault(path, {})
            if "{" in path:
                item["parameters"] = path_parameters(path)
            item[method.lower()] = _operation(operation, template, model, one_of_many=path != template)
            if schemes and operation.answer in ANSWERED_TO_EVERYBODY:
                item[method.lower()]["security"] = []
    components: dict[str, Any] = {"schemas": {**SCHEMAS, **_of_models(models)}}
    told: dict[str, Any] = {
        "openapi": VERSION,
        "info": {"title": "Tidemill realtime inference", "version": version, "description": _ABOUT},
        "paths": paths,
        "components": components,
    }
    if schemes:
        components["securitySchemes"] = security_schemes(schemes)
        told["security"] = [{name: []} for name in components["securitySchemes"]]
    return told


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


def _operation(operation: Operation, template: str, model: str | None, *, one_of_many: bool) -> dict[str, Any]:
    failures = {*operation.failures, HTTPStatus.INTERNAL_SERVER_ERROR}
    if operation.answer not in ANSWERED_TO_EVERYBODY:
        failures |= set(DENYING)
    rows = operation.request is not None
    asks_model = operation.told is None and (rows or "{model}" in template)
    picks_version = asks_model and "{version}" not in template
    if picks_version:
        failures.add(HTTPStatus.BAD_REQUEST)
    described: dict[str, Any] = {
        "operationId": f"{operation.id}_{model}" if one_of_many else operation.id,
        "summary": operation.summary,
        "parameters": parameters(rows=rows, picks_version=picks_version),
        "responses": {
            str(int(operation.status)): _response(operation.status, operation.answer, operation.also),
            **{str(int(status)): _response(status, "Error") for status in sorted(failures)},
        },
    }
    if operation.request is not None:
        described["requestBody"] = {
            "required": True,
            "content": {JSON: {"schema": _body(operation.request, model)}},
        }
    if operation.request in _WORDS:
        described["description"] = _WORDS[operation.request]
    return described if operation.told is None else _with(described, operation.told)


def _with(described: dict[str, Any], told: Mapping[str, Any]) -> dict[str, Any]:
    """An operation with the parameters, the body and the responses that it has beside those that all have."""
    parameters = [*described["parameters"], *told["parameters"]]
    responses = {**described["responses"], **told.get("responses", {})}
    return {**described, **told, "parameters": parameters, "responses": responses}


def _response(status: HTTPStatus, schema: str, also: str | None = None) -> dict[str, Any]:
    text: dict[str, Any] = {"schema": {"type": "string"}}
    content = {_PLAIN[schema]: text} if schema in _PLAIN else {JSON: {"schema": ref(schema)}}
    if also is not None:
        content[also] = text
    return {"description": status.phrase, "headers": answer_headers(status, also), "content": content}
