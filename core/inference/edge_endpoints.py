"""The paths that devices ask: files of their releases, rollouts and trust documents, and where telemetry goes.

They are the keys of the edge zone behind `/edge/`, so that a bucket behind a CDN serves devices as well.
"""

from __future__ import annotations

from http import HTTPStatus

from ..errors import AlreadyExists, NotFound, TooLarge
from ..layout import TELEMETRY_SUFFIX
from . import http
from .call import Call
from .edge_openapi import FILE, SEGMENT
from .endpoint import Endpoints
from .http import Response, UnsupportedType, json_response, problem
from .ranges import etag, is_known, wanted_range

ENDPOINTS = Endpoints()

CHUNK = 4 * 1024 * 1024
"""Bytes that are sent at once: a function's answer on AWS Lambda may have 6 MB, and a third of that goes for base64."""
FOREVER = "private, max-age=31536000, immutable"


@ENDPOINTS.enter(
    "GET",
    "/edge/{model}/{folder}/{file}",
    answer="File",
    failures=(HTTPStatus.NOT_FOUND, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.SERVICE_UNAVAILABLE),
    told=FILE,
    waits=True,
)
def edge_file(call: Call) -> Response:
    """A file of a release, a rollout or a trust document, whole or in part."""
    call.caller.check(call.path["model"])
    devices, asked = call.backend.devices, call.request
    found = devices.find(call.path["model"], call.path["folder"], call.path["file"])
    tag = etag(found.version)
    headers = {"etag": tag, "cache-control": FOREVER, "accept-ranges": "bytes"}
    if is_known(asked.headers, tag):
        return Response(HTTPStatus.NOT_MODIFIED, headers, b"")
    part = wanted_range(asked.headers, tag, found.size) if asked.method == "GET" else None
    headers["content-type"] = "application/octet-stream"
    if part is None:
        if found.size > CHUNK:
            raise TooLarge(
                f"the file has {found.size} bytes: ask for at most {CHUNK} at once, as in `Range: bytes=0-`."
            )
        return Response(HTTPStatus.OK, headers, devices.read(found, 0, found.size))
    if not part:
        sentence = f"the file has {found.size} bytes, and none of those that are asked for."
        unsatisfied = {"content-range": f"bytes */{found.size}", "accept-ranges": "bytes"}
        return problem(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, sentence, unsatisfied)
    part = part[:CHUNK]
    headers["content-range"] = f"bytes {part.start}-{part.stop - 1}/{found.size}"
    return Response(HTTPStatus.PARTIAL_CONTENT, headers, devices.read(found, part.start, len(part)))


@ENDPOINTS.enter(
    "PUT",
    "/edge/telemetry/{model}/{group}/{device}/{segment}",
    answer="Kept",
    failures=(
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.NOT_FOUND,
        HTTPStatus.CONFLICT,
        HTTPStatus.PRECONDITION_FAILED,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        HTTPStatus.UNPROCESSABLE_ENTITY,
        HTTPStatus.SERVICE_UNAVAILABLE,
    ),
    status=HTTPStatus.CREATED,
    told=SEGMENT,
    waits=True,
)
def edge_telemetry(call: Call) -> Response:
    """Keep what a device sends back; what is there already stays as it is."""
    model, group, device, segment = (call.path[name] for name in ("model", "group", "device", "segment"))
    call.caller.check(model)
    devices = call.backend.devices
    if not segment.endswith(TELEMETRY_SUFFIX):
        raise NotFound(f"telemetry goes to segments, whose names end in {TELEMETRY_SUFFIX}.")
    if call.request.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise UnsupportedType("send the segment as it is, a gzip file, without content-encoding.")
    data = http.body_of(call.request, call.backend.max_body)
    try:
        key, rows = devices.keep(model, group, device, segment.removesuffix(TELEMETRY_SUFFIX), data)
    except AlreadyExists as error:
        if call.request.headers.get("if-none-match", "").strip() == "*":
            return problem(HTTPStatus.PRECONDITION_FAILED, str(error))
        raise
    return json_response({"key": key, "rows": rows}, HTTPStatus.CREATED)
