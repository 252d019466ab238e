"""The paths of TensorFlow Serving's REST API."""

from __future__ import annotations

from typing import Any

from . import tfserving
from .call import Call
from .endpoint import READING, SERVING, Endpoints

ENDPOINTS = Endpoints()

_MODEL, _VERSION = "/v1/models/{model}", "/v1/models/{model}/versions/{version}"


@ENDPOINTS.enter(
    "POST",
    f"{_MODEL}:predict",
    f"{_VERSION}:predict",
    answer="PredictAnswer",
    request="PredictRequest",
    failures=(*READING, *SERVING),
)
def predict(call: Call) -> dict[str, Any]:
    """Answer rows or columns."""
    body = call.body()
    served = call.find()
    rows = served.reader.instances(body)
    if rows is not None:
        answer = call.score(served, rows)
        return tfserving.row_answer(answer.answers, answer.prediction_ids)
    request = tfserving.decode(body)
    return tfserving.encode(call.score(served, tfserving.rows_of(request, served.reader)), request)


@ENDPOINTS.enter("GET", _MODEL, _VERSION, answer="ModelStatus", failures=SERVING)
def model_status(call: Call) -> dict[str, Any]:
    """Which versions answer."""
    manifest, cache, asked = call.find().loaded.manifest, call.backend.cache, call.path.get("version")
    others = () if asked else cache.versions(manifest.model)
    loaded = [version for version in others if cache.is_warm(manifest.model, version)]
    return tfserving.status(manifest.model, loaded or [manifest.version])


@ENDPOINTS.enter("GET", f"{_MODEL}/metadata", f"{_VERSION}/metadata", answer="ModelSignature", failures=SERVING)
def model_signature(call: Call) -> dict[str, Any]:
    """What a model takes and gives, as TensorFlow Serving tells it."""
    return tfserving.metadata(call.find().loaded.manifest)
