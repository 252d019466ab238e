"""The realtime endpoint as one function: a request -> its answer, on every host alike."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Sequence
from http import HTTPStatus

from ..errors import NotFound, TidemillError
from ..ports import Clock, Creates, LoadPredictor, Reads
from ..usecases.log_predictions import LogMode, PredictionLog
from . import http
from .cache import ModelCache
from .endpoints import ENDPOINTS, Backend, Call
from .http import Request, Response, json_response, problem

MAX_BODY = 6 * 1024 * 1024

_NAMES_MODEL = re.compile(r"/v[12]/models/([^/:]+)(?:/versions/([^/:]+))?")
_TABLE = [(endpoint.pattern(), endpoint) for endpoint in ENDPOINTS]

log = logging.getLogger(__name__)


class Service:
    """Answers requests. Safe to share between threads.

    `default_models` are loaded at the start; where there is one alone it answers `/invocations`, which names none.
    `max_body` is in bytes, unzipped.
    """

    def __init__(
        self,
        cache: ModelCache,
        predictions: PredictionLog,
        default_models: Sequence[str] = (),
        max_body: int = MAX_BODY,
    ) -> None:
        self.max_body = max_body
        self._cache = cache
        self._log = predictions
        self._backend = Backend(cache, predictions, tuple(default_models), max_body)
        self._started = -float("inf")

    def start(self) -> None:
        """Load the default models; one that cannot be served yet is tried again by `tick`."""
        self._started = time.monotonic()
        for model, error in self._backend.load_defaults():
            log.info("model %s is not served yet: %s", model, error)

    def tick(self) -> None:
        """Follow the routes and write the log. For hosts to call now and then, off the path of a request."""
        if time.monotonic() - self._started >= self._cache.route_ttl:
            self.start()
        self._cache.refresh_all()
        self._log.flush(due_only=True)

    def close(self) -> None:
        """Write what is not written yet."""
        self._log.flush()

    def may_wait(self, request: Request) -> bool:
        """Whether answering may have to wait for a store; hosts with an event loop do that elsewhere."""
        if self._log.mode == "sync":
            return True
        named = _NAMES_MODEL.match(request.path)
        if named is not None:
            return not self._cache.is_warm(*named.groups())
        return not self._cache.models or not all(map(self._cache.is_warm, self._cache.models))

    def handle(self, request: Request) -> Response:
        """Answer a request; never raises."""
        call = Call(self._backend, request, http.request_id(request), {})
        try:
            response = _answer(call)
        except TidemillError as error:
            response = problem(error.status, str(error))
        except Exception:  # a client gets an answer, whatever happens
            log.exception("a request failed", extra={"facts": {"request_id": call.id, "path": request.path[:200]}})
            response = problem(
                HTTPStatus.INTERNAL_SERVER_ERROR, f"something went wrong here: the log tells of {call.id}."
            )
        return _finished(call, response)


def _answer(call: Call) -> Response:
    method = "GET" if call.request.method == "HEAD" else call.request.method
    path = call.request.path.rstrip("/")
    allowed: list[str] = []
    for pattern, endpoint in _TABLE:
        match = pattern.fullmatch(path)
        if match is None:
            continue
        if endpoint.method == method:
            call.path = match.groupdict()
            return json_response(endpoint.handler(call))
        allowed += ["GET", "HEAD"] if endpoint.method == "GET" else [endpoint.method]
    if not allowed:
        raise NotFound(f"there is nothing at {call.request.path[:200]!r}: /openapi.json lists what there is.")
    sentence = f"{call.request.method[:20]} is not possible here: use {' or '.join(allowed)}."
    return problem(HTTPStatus.METHOD_NOT_ALLOWED, sentence, {"allow": ", ".join(allowed)})


def _finished(call: Call, response: Response) -> Response:
    headers = {**response.headers, http.REQUEST_ID: call.id, "content-length": str(len(response.body))}
    if call.served is not None:
        headers[http.MODEL_VERSION] = call.served.version
    return Response(response.status, headers, b"" if call.request.method == "HEAD" else response.body)


def make_service(
    models: Reads,
    predictions: Creates,
    load: LoadPredictor,
    clock: Clock,
    *,
    log_mode: LogMode = "buffered",
    route_ttl: float = 5.0,
    default_models: Sequence[str] = (),
    max_body: int = MAX_BODY,
) -> Service:
    """The service over the models and the predictions zone. `route_ttl` is in seconds."""
    cache = ModelCache(models, load, route_ttl=route_ttl)
    return Service(cache, PredictionLog(predictions, clock, mode=log_mode), default_models, max_body)
