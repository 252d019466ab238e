"""Realtime inference: a request over HTTP -> the answer of the version that serves."""

from __future__ import annotations

from functools import cache

from core.inference.http import Request, Response
from core.inference.service import Service, make_service
from core.runtime import Runtime


@cache
def service(runtime: Runtime) -> Service:
    """The service of one process: it holds the models that are loaded and the answers that are not stored yet."""
    settings = runtime.settings
    return make_service(
        runtime.store("models"),
        runtime.store("predictions"),
        runtime.load,
        runtime.clock,
        default_models=settings.serve,
        log_mode=settings.prediction_log,
        route_ttl=settings.route_ttl,
        max_body=settings.max_body,
    )


def handle(request: Request, runtime: Runtime) -> Response:
    """Answer one request, and store what is due: no host that calls this runs anything between two requests."""
    answering = service(runtime)
    answer = answering.handle(request)
    answering.tick()
    return answer
