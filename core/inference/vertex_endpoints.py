"""The paths on which Vertex AI asks by default."""

from __future__ import annotations

from typing import Any

from . import tfserving, vertex
from .call import Call
from .endpoint import READING, SERVING, Endpoints

ENDPOINTS = Endpoints()


@ENDPOINTS.enter("POST", vertex.PREDICT, answer="VertexAnswer", request="VertexRequest", failures=(*READING, *SERVING))
def vertex_predict(call: Call) -> dict[str, Any]:
    """Answer rows with the one model that is served, on the route that Vertex AI asks by default."""
    body = call.body()
    served = call.find_default()
    request = tfserving.decode(body)
    return vertex.encode(call.score(served, tfserving.rows_of(request, served.reader)))


@ENDPOINTS.enter("GET", vertex.HEALTH, answer="Ready", failures=SERVING)
def vertex_health(call: Call) -> dict[str, Any]:
    """Whether a model is loaded, as Vertex AI asks."""
    call.backend.check_ready()
    return {"ready": True}
