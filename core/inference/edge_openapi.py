"""What the OpenAPI document says of the paths that devices ask, beside what it says of every path."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from .openapi_headers import answer_headers
from .openapi_schemas import ref

_TEXT = {"type": "string"}
_BYTES = {"application/octet-stream": {"schema": _TEXT}}


def _header(name: str, description: str) -> dict[str, Any]:
    return {"name": name, "in": "header", "description": description, "schema": _TEXT}


def _answer(status: HTTPStatus, described: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - as OpenAPI has them
    headers = {**answer_headers(status), **_TAGS, **more.pop("headers", {})}
    return {str(int(status)): {"description": described, "headers": headers, **more}}


_TAGS: Mapping[str, Any] = {
    "etag": {"schema": _TEXT, "description": "RFC 9110 section 8.8.3."},
    "cache-control": {"schema": _TEXT, "description": "What has a name here never changes."},
    "accept-ranges": {"schema": {"const": "bytes"}},
}
_RANGE = {"content-range": {"schema": _TEXT, "required": True, "description": "RFC 9110 section 14.4."}}
_ERROR = {"application/json": {"schema": ref("Error")}}

FILE: Mapping[str, Any] = {
    "parameters": [
        _header("range", "One range of bytes; of more than 4 MiB the first 4 MiB are sent."),
        _header("if-range", "The range is of this entity tag; of another the whole file is sent."),
        _header("if-none-match", "Entity tags that are known."),
    ],
    "responses": {
        **_answer(HTTPStatus.OK, "The whole file.", content=_BYTES),
        **_answer(HTTPStatus.PARTIAL_CONTENT, "The range, or its beginning.", headers=_RANGE, content=_BYTES),
        **_answer(HTTPStatus.NOT_MODIFIED, "It is known."),
        **_answer(
            HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, "There are no such bytes.", headers=_RANGE, content=_ERROR
        ),
    },
}
"""Of the files."""

SEGMENT: Mapping[str, Any] = {
    "parameters": [_header("if-none-match", "`*`: what is there already is told by 412 instead of 409.")],
    "requestBody": {
        "required": True,
        "description": "A telemetry segment: gzip JSON Lines, whose first line tells of the device.",
        "content": _BYTES,
    },
}
"""Of telemetry."""
