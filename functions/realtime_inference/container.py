"""The realtime function as the application of a container, on any ASGI server."""

from __future__ import annotations

import sys

from core.errors import TidemillError
from core.hosts.asgi import App, Server
from core.hosts.exposure import check_exposure
from core.runtime import Runtime
from core.settings import Settings
from core.telemetry import configure

from .handler import service

EVERYWHERE = "0.0.0.0"  # noqa: S104 - a container is asked from outside of it


def app() -> App:
    """Wire it by the environment: `uvicorn --factory functions.realtime_inference.container:app`.

    Raises Refused while nothing says who may ask: a container can be reached from outside of it.
    """
    settings = Settings.from_env()
    check_exposure("a container", settings.access)
    return App(service(Runtime(settings)))


def main() -> int:
    """Serve on the port that the environment names until SIGTERM: `python -m functions.realtime_inference.container`.

    The process's exit code; what cannot be is one sentence on stderr.
    """
    try:
        settings = Settings.from_env()
        configure(json_lines=True, level=settings.log_level)
        Server(app(), EVERYWHERE, settings.port).run()
    except TidemillError as error:
        sys.stderr.write(" ".join(str(error).split()) + "\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
