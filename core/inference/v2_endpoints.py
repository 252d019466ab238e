"""The paths of the Open Inference Protocol V2."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from ..code import __version__
from . import tensors, v2
from .call import Call
from .endpoint import READING, SERVING, Endpoints
from .http import Response

ENDPOINTS = Endpoints()

_MODEL, _VERSION = "/v2/models/{model}", "/v2/models/{model}/versions/{version}"


@ENDPOINTS.enter(
    "POST",
    f"{_MODEL}/infer",
    f"{_VERSION}/infer",
    answer="InferAnswer",
    request="InferRequest",
    also=tensors.MEDIA_TYPE,
    failures=(*READING, *SERVING),
)
def infer(call: Call) -> dict[str, Any] | Response:
    """Answer tensors, one a feature."""
    body = call.body(tensors.MEDIA_TYPE)
    served = call.find()
    request, behind = v2.decode(body, call.request.headers.get(tensors.HEADER))
    answer = call.score(served, v2.rows_of(request, served.reader, behind))
    return v2.encode(answer, request, call.explanation_tensors())


@ENDPOINTS.enter("GET", "/v2", answer="Server")
def server(_call: Call) -> dict[str, Any]:
    """What this server is."""
    return {"name": "tidemill", "version": __version__, "extensions": list(v2.EXTENSIONS)}


@ENDPOINTS.enter("GET", "/v2/health/live", answer="Live")
def live(_call: Call) -> dict[str, Any]:
    """Whether the server runs."""
    return {"live": True}


@ENDPOINTS.enter("GET", "/v2/health/ready", answer="Ready", failures=(HTTPStatus.SERVICE_UNAVAILABLE,))
def ready(call: Call) -> dict[str, Any]:
    """Whether a model is loaded."""
    call.backend.check_ready()
    return {"ready": True}


@ENDPOINTS.enter("GET", _MODEL, _VERSION, answer="Model", failures=SERVING)
def model_metadata(call: Call) -> dict[str, Any]:
    """What a model takes and gives."""
    served = call.find()
    manifest = served.loaded.manifest
    asked = call.path.get("version")
    return v2.metadata(manifest, [asked] if asked else call.backend.cache.versions(manifest.model))


@ENDPOINTS.enter("GET", f"{_MODEL}/ready", f"{_VERSION}/ready", answer="ModelReady", failures=SERVING)
def model_ready(call: Call) -> dict[str, Any]:
    """Whether a model answers."""
    return {"name": call.find().loaded.manifest.model, "ready": True}
