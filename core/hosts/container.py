"""One image for every host: `python -m core.hosts.container` serves the functions that events start, and the endpoint.

Events are posted to `/events`. TIDEMILL_FUNCTION names the one function that is served; without it all are, and the
endpoint beside them. The endpoint alone is `functions.realtime_inference.container`, which needs less to be installed.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING

from ..errors import TidemillError
from ..inference.access import access_of
from ..inference.http import Request, Response, json_response, problem
from ..runtime import Runtime
from ..settings import Settings
from ..telemetry import configure
from .asgi import App, Server
from .cloudevents import DOCUMENT, EVENTS, LARGEST, Deliveries
from .exposure import check_exposure
from .worker import make_workers

if TYPE_CHECKING:
    from ..inference.service import Service

EVERYWHERE = "0.0.0.0"  # noqa: S104 - a container is asked from outside of it
HEALTH = frozenset({"/", "/v2/health/live", "/v2/health/ready"})


class Hub:
    """Events, and the endpoint beside them where it is served too: what `asgi.App` asks for answers."""

    def __init__(self, deliveries: Deliveries, endpoint: Service | None = None) -> None:
        self._deliveries = deliveries
        self._endpoint = endpoint
        self.max_body = max(LARGEST, endpoint.max_body if endpoint else 0)
        self.short = endpoint.short if endpoint else None

    def start(self) -> None:
        """Load the models, if there is an endpoint."""
        if self._endpoint:
            self._endpoint.start()

    def tick(self) -> None:
        """What the endpoint does between requests."""
        if self._endpoint:
            self._endpoint.tick()

    def close(self) -> None:
        """Write what the endpoint has not written yet."""
        if self._endpoint:
            self._endpoint.close()

    def may_wait(self, request: Request) -> bool:
        """Functions read and write stores."""
        return _is_event(request) or self._endpoint is None or self._endpoint.may_wait(request)

    def handle(self, request: Request) -> Response:
        """Answer a request; never raises."""
        if _is_event(request):
            return self._deliveries.handle(request)
        if self._endpoint:
            return self._endpoint.handle(request)
        if request.path in HEALTH and request.method == "GET":
            return json_response({"ready": True})
        return problem(
            404,
            f"there is nothing at {request.path[:200]!r}: events are posted to {EVENTS}, and {DOCUMENT} tells which.",
        )


def _is_event(request: Request) -> bool:
    return request.path == EVENTS or request.path.startswith(f"{EVENTS}/")


def app(settings: Settings | None = None) -> App:
    """Wire it by the environment: `uvicorn --factory core.hosts.container:app`.

    Raises Refused while nothing says who may ask: a container can be reached from outside of it.
    """
    settings = settings or Settings.from_env()
    check_exposure("a container", settings.access)
    endpoint: Service | None = None
    if not settings.function:
        endpoint = import_module("functions.realtime_inference.handler").service(Runtime(settings))
    return App(Hub(Deliveries(make_workers(settings), access_of(settings.access)), endpoint))


def main() -> int:
    """Serve on the port that the environment names until SIGTERM; the process's exit code."""
    try:
        settings = Settings.from_env()
        configure(json_lines=True, level=settings.log_level)
        Server(app(settings), EVERYWHERE, settings.port).run()
    except TidemillError as error:
        sys.stderr.write(" ".join(str(error).split()) + "\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
