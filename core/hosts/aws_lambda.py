"""The realtime endpoint on AWS Lambda: an event of API Gateway, a function URL or a load balancer -> its answer.

A Lambda function is frozen between two requests: what is to be done now and then is done right after an answer.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, TypeAlias

from ..errors import BadInput, TidemillError
from ..events import api_gateway
from ..inference.http import REQUEST_ID, Response, problem
from ..inference.service import Service

Handler: TypeAlias = Callable[[Mapping[str, Any], object], dict[str, Any]]

LARGEST = 6 * 1024 * 1024
"""Bytes of an answer as JSON: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""
LARGEST_BALANCED = 1024 * 1024
"""The same behind a load balancer:
https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html"""
_ESCAPED = 6
"""Bytes that one character of a text may become in JSON."""

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
        largest = LARGEST_BALANCED if "elb" in (event.get("requestContext") or {}) else LARGEST
        answer = _fitting(service.handle(request), largest)
        _look_after(service)
        return answer

    return handler


def _fitting(response: Response, largest: int) -> dict[str, Any]:
    """The answer as Lambda takes it; one sentence instead where it is too large, which would be told to nobody."""
    answer = api_gateway.encode(response)
    if len(response.body) * _ESCAPED <= largest or len(json.dumps(answer, ensure_ascii=False).encode()) <= largest:
        return answer
    sentence = f"the answer is larger than the {largest} bytes that can be sent: ask for fewer rows, or accept gzip."
    headers = {REQUEST_ID: response.headers[REQUEST_ID]}
    return api_gateway.encode(problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, sentence, headers))


def _look_after(service: Service) -> None:
    try:
        service.tick()
    except TidemillError as error:  # the request is answered all the same; the next one tries again
        log.warning("routes and prediction log could not be looked after: %s", error)
