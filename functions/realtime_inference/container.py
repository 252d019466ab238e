"""The realtime function as the application of a container, on any ASGI server."""

from __future__ import annotations

from core.hosts.asgi import App
from core.hosts.exposure import check_exposure
from core.runtime import Runtime
from core.settings import Settings

from .handler import service


def app() -> App:
    """Wire it by the environment: `uvicorn --factory functions.realtime_inference.container:app`.

    Raises Refused while nothing says who may ask: a container can be reached from outside of it.
    """
    settings = Settings.from_env()
    check_exposure("a container", settings.access)
    return App(service(Runtime(settings)))
