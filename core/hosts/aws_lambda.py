"""The realtime endpoint on AWS Lambda: an event of API Gateway, a function URL or a load balancer -> its answer.

A Lambda function is frozen between two requests: what is to be done now and then is done right after an answer.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from ..errors import BadInput, TidemillError
from ..events import api_gateway
from ..inference.http import problem
from ..inference.service import Service

Handler: TypeAlias = Callable[[Mapping[str, Any], object], dict[str, Any]]

log = logging.getLogger(__name__)


def http_handler(service: Service) -> Handler:
    """What Lambda calls; `service` has been started."""

    def handler(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
        """Answer one request; raises BadInput for an event that is none."""
        try:
            request = api_gateway.decode(event)
        except BadInput as error:
            if "requestContext" not in event:
                raise
            return api_gateway.encode(problem(error.status, str(error)))
        answer = api_gateway.encode(service.handle(request))
        _look_after(service)
        return answer

    return handler


def _look_after(service: Service) -> None:
    try:
        service.tick()
    except TidemillError as error:  # the request is answered all the same; the next one tries again
        log.warning("routes and prediction log could not be looked after: %s", error)
