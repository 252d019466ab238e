"""Realtime inference: a request over HTTP -> the answer of the version that serves."""

from __future__ import annotations

from functools import cache

from core.inference import vertex
from core.inference.access import access_of
from core.inference.http import Request, Response
from core.inference.service import Options, Service, make_service
from core.inference.web import Web
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
        Options.of(settings),
        access=access_of(settings.access),
        web=Web(frozenset(settings.origins), vertex.aliases(settings.predict_route, settings.health_route)),
        edge=lambda: runtime.store("edge"),
    )


def handle(request: Request, runtime: Runtime) -> Response:
    """Answer one request, and store what is due: no host that calls this runs anything between two requests."""
    answering = service(runtime)
    answer = answering.handle(request)
    answering.tick()
    return answer
