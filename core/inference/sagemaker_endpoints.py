"""The paths of SageMaker."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from . import http, sagemaker
from .call import Call
from .endpoint import READING, SERVING, Endpoints
from .http import Response

ENDPOINTS = Endpoints()


@ENDPOINTS.enter("GET", "/ping", answer="Ready", failures=(HTTPStatus.SERVICE_UNAVAILABLE,))
def ping(call: Call) -> dict[str, Any]:
    """Whether a model is loaded, as SageMaker asks."""
    call.backend.check_ready()
    return {"ready": True}


@ENDPOINTS.enter(
    "POST",
    "/invocations",
    answer="PredictAnswer",
    request="Invocation",
    also=sagemaker.CSV,
    failures=(*READING, *SERVING),
)
def invoke(call: Call) -> dict[str, Any] | Response:
    """Answer rows, JSON or CSV, with the one model that is served."""
    body = call.body(sagemaker.CSV)
    served = call.find_default()
    if http.media_type(call.request) == sagemaker.CSV:
        rows = sagemaker.rows_of_csv(body, call.request.headers["content-type"], served.reader)
    else:
        rows = sagemaker.rows_of_json(body, served.reader)
    return sagemaker.encode(call.score(served, rows), call.request.headers.get("accept", ""))
