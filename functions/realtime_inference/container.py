"""The realtime function as the application of a container, on any ASGI server."""

from __future__ import annotations

from core.hosts.asgi import App
from core.runtime import Runtime
from core.settings import Settings

from .handler import service


def app() -> App:
    """Wire it by the environment: `uvicorn --factory functions.realtime_inference.container:app`."""
    return App(service(Runtime(Settings.from_env())))
