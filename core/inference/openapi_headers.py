"""What the OpenAPI document says beside bodies: parameters, headers of answers, and how a caller says who asks."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from ..domain.telemetry import SEGMENT_NAME
from ..layout import DEVICE_NAME, TELEMETRY_SUFFIX
from . import tensors
from .access import API_KEY, Scheme
from .http import MODEL_VERSION, REQUEST_ID
from .tracing import TRACEPARENT, TRACESTATE
from .trials import KEY, VERSION, VERSION_NAME

_TEXT = {"type": "string"}
_SCHEMES: Mapping[Scheme, Mapping[str, Any]] = {
    "key": {
        "apiKey": {"type": "apiKey", "in": "header", "name": API_KEY, "description": "An API key."},
        "apiKeyAsBearer": {"type": "http", "scheme": "bearer", "description": "An API key."},
    },
    "token": {"token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "RFC 7519."}},
}


def path_parameters(template: str) -> list[dict[str, Any]]:
    """What stands at the names of a path."""
    names = [part.partition("}")[0] for part in template.split("{")[1:]]
    return [{"name": name, "in": "path", "required": True, "schema": _path_schema(name)} for name in names]


_PATTERNS: Mapping[str, str] = {
    "version": VERSION_NAME.pattern,
    "group": DEVICE_NAME.pattern,
    "device": DEVICE_NAME.pattern,
    "segment": SEGMENT_NAME.pattern + re.escape(TELEMETRY_SUFFIX),
}
"""What may stand at the names of paths, where that is not anything."""


def _path_schema(name: str) -> dict[str, str]:
    return {**_TEXT, "pattern": _whole(_PATTERNS[name])} if name in _PATTERNS else dict(_TEXT)


def _whole(pattern: str) -> str:
    return f"^{pattern}$"


def parameters(*, rows: bool, picks_version: bool) -> list[dict[str, Any]]:
    """What any request may say; of one that brings `rows`, or one whose path leaves the version open, more."""
    told = [
        _header(REQUEST_ID, "Comes back with the answer, if it is 1 to 128 plain characters; else a new one does."),
        _header(TRACEPARENT, "W3C trace context; comes back if it is valid."),
        _header(TRACESTATE, f"Comes back with {TRACEPARENT}."),
        _header("accept-encoding", "Answers of 1 KB and more come as gzip where this lets them."),
    ]
    if picks_version:
        pattern = {**_TEXT, "pattern": _whole(VERSION_NAME.pattern)}
        told.append(_header(VERSION, "Which version is asked, whoever is champion.", pattern))
    if rows:
        told.append(_header(KEY, "Whom the request is for: who has the same is answered by the same version."))
        told += _EXPLAINING
    return told


_EXPLAINING: Sequence[dict[str, Any]] = (
    {
        "name": "explain",
        "in": "query",
        "description": "1 tells what each feature's value added to the answers to the first 10 rows; not in CSV.",
        "schema": _TEXT,
    },
    {
        "name": "explain_budget",
        "in": "query",
        "description": "How many rows the model may answer to explain one.",
        "schema": {"type": "integer", "minimum": 0, "maximum": 100_000, "default": 2_000},
    },
)


def _header(name: str, description: str, schema: Mapping[str, Any] | None = None) -> dict[str, Any]:
    return {"name": name, "in": "header", "description": description, "schema": schema or _TEXT}


def answer_headers(status: HTTPStatus, also: str | None = None) -> dict[str, Any]:
    """The headers of an answer; `also` is a media type that it may have beside JSON."""
    told: dict[str, Any] = {
        REQUEST_ID: {"schema": _TEXT, "required": True},
        MODEL_VERSION: {"schema": _TEXT, "description": "The version that answered, if one did."},
        TRACEPARENT: {"schema": _TEXT, "description": "The caller's."},
        TRACESTATE: {"schema": _TEXT, "description": "The caller's."},
        "content-encoding": {"schema": {"const": "gzip"}, "description": "Where the answer is zipped."},
        "vary": {"schema": _TEXT, "description": "Which of the request's headers the answer depends on."},
    }
    if status is HTTPStatus.UNAUTHORIZED:
        told["www-authenticate"] = {"schema": _TEXT, "required": True, "description": "RFC 6750."}
    if status is HTTPStatus.TOO_MANY_REQUESTS:
        seconds = {"type": "integer", "minimum": 1}
        told["retry-after"] = {"schema": seconds, "required": True, "description": "Seconds to wait."}
    if also == tensors.MEDIA_TYPE:
        what = "How many bytes of the body are JSON, where bytes of tensors follow it."
        told[tensors.HEADER] = {"schema": {"type": "integer"}, "description": what}
    return told


def security_schemes(schemes: Sequence[Scheme]) -> dict[str, Any]:
    """How who asks is told, for those that are asked for it."""
    return {name: scheme for each in schemes for name, scheme in _SCHEMES[each].items()}
