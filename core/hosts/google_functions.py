"""Google Cloud Functions: what functions-framework calls, by either of its signatures.

The source that is deployed holds a `main.py` that names both; TIDEMILL_FUNCTION says which function they are.
Reference: https://github.com/GoogleCloudPlatform/functions-framework-python
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from http import HTTPStatus
from typing import Any, Protocol

from ..errors import Transient
from ..events.cloudevents import STRUCTURED
from ..inference.http import Request, Response
from ..settings import Settings
from ..telemetry import configure
from .cloudevents import EVENTS, Deliveries
from .worker import make_workers


class FlaskRequest(Protocol):
    """What is used of flask.Request."""

    method: str
    headers: Mapping[str, str]

    def get_data(self) -> bytes:
        """The body."""
        ...


class ParsedEvent(Protocol):
    """What is used of cloudevents.http.CloudEvent."""

    def get_attributes(self) -> Mapping[str, Any]:
        """Its attributes."""
        ...

    def get_data(self) -> Any:  # noqa: ANN401 - whatever came
        """Its data, parsed."""
        ...


def http(request: FlaskRequest) -> tuple[bytes, int, dict[str, str]]:
    """The HTTP signature: any sender that posts events, such as a push subscription or a scheduler."""
    headers = {name.lower(): value for name, value in request.headers.items()}
    answer = _deliveries().handle(Request(request.method, EVENTS, "", headers, request.get_data()))
    return answer.body, int(answer.status), dict(answer.headers)


def event(event: ParsedEvent) -> None:
    """The CloudEvent signature: Eventarc.

    It can only succeed or fail; raises Transient for what failed, so that the trigger's retry policy decides.
    """
    body = json.dumps({**event.get_attributes(), "data": event.get_data()}).encode()
    answer = _deliveries().handle(Request("POST", EVENTS, "", {"content-type": STRUCTURED}, body))
    if answer.status != HTTPStatus.OK:
        raise Transient(_reason(answer))


def _reason(answer: Response) -> str:
    return str(json.loads(answer.body)["error"])


@cache
def _deliveries() -> Deliveries:
    settings = Settings.from_env()
    configure(json_lines=True, level=settings.log_level)
    return Deliveries(make_workers(settings))
