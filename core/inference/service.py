"""The realtime endpoint as one function: a request -> its answer, on every host alike."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus

from ..code import code_version
from ..errors import NotFound, TidemillError
from ..ports import Clock, Creates, LoadPredictor, ReadsListsCreates
from ..settings import Settings
from ..telemetry import METRICS_LOGGER
from ..usecases.log_predictions import LogMode, PredictionLog
from . import http
from .access import Access, Denied
from .cache import MEMORY, ModelCache
from .endpoints import ENDPOINTS, Backend, Call, Endpoint
from .explaining import Explainer
from .http import Request, Response, problem
from .metrics import Metrics
from .openapi import ANSWERED_TO_EVERYBODY
from .refusals import Refusal, journal_refusal, no_journal
from .tracing import TRACEPARENT, trace_headers, trace_id
from .trials import VERSION, Shadows, Trials
from .web import Web

MAX_BODY = 6 * 1024 * 1024
METRICS_PATH = "/metrics"
METRICS_EVERY = 60.0
"""Seconds between two log lines of what was counted."""
CLOSING = 5.0
"""Seconds that answers in shadow get to end when the service is closed."""

LONGEST_PATH = 300
"""Characters; there is nothing at a longer path."""

_NAMES_MODEL = re.compile(r"/v[12]/models/([^/:]+)(?:/versions/([^/:]+))?")
_TABLE = [(endpoint.pattern(), endpoint) for endpoint in ENDPOINTS]

log = logging.getLogger(__name__)
metrics_log = logging.getLogger(METRICS_LOGGER)


class Service:
    """Answers requests. Safe to share between threads.

    `default_models` are loaded at the start; where there is one alone it answers `/invocations`, which names none.
    `max_body` is in bytes, unzipped. `web` is what browsers and platforms are granted, `access` who
    may ask. `journal` is told, by `tick`, of versions that a route names and that are not served. What was counted is
    logged every `metrics_every` seconds; `/metrics` has it all.
    """

    def __init__(
        self,
        cache: ModelCache,
        predictions: PredictionLog,
        default_models: Sequence[str] = (),
        max_body: int = MAX_BODY,
        web: Web | None = None,
        access: Access | None = None,
        journal: Callable[[Refusal], None] = no_journal,
        metrics_every: float = METRICS_EVERY,
    ) -> None:
        self.max_body = max_body
        self._cache = cache
        self._log = predictions
        self._web = web or Web()
        self._access = access or Access()
        self._journal = journal
        self._metrics = Metrics()
        self._metrics_every, self._metrics_logged = metrics_every, time.monotonic()
        self._shadows = Shadows()
        trials = Trials(predictions, self._shadows)
        self._backend = Backend(cache, predictions, trials, Explainer(cache), tuple(default_models), max_body)
        self._unloaded = set(default_models)
        self._started = -float("inf")

    def start(self) -> None:
        """Load the default models; one that cannot be served yet is tried again by `tick`."""
        self._started = time.monotonic()
        for model in sorted(self._unloaded):
            try:
                self._cache.champion(model)
                self._unloaded.discard(model)
            except TidemillError as error:
                log.info("model %s is not served yet: %s", model, error)

    def tick(self) -> None:
        """Follow the routes, write the log, tell the journal, log the metrics. To be called off a request's path."""
        if self._unloaded and time.monotonic() - self._started >= self._cache.route_ttl:
            self.start()
        self._cache.refresh_all()
        self._log.flush(due_only=True)
        self._cache.refusals.tell(self._journal)
        self._log_metrics(due_only=True)

    def close(self) -> None:
        """Write what is not written yet."""
        self._shadows.close(CLOSING)
        self._log.flush()
        self._cache.refusals.tell(self._journal)
        self._log_metrics(due_only=False)

    def may_wait(self, request: Request) -> bool:
        """Whether answering may have to wait for a store; hosts with an event loop do that elsewhere."""
        if self._log.mode == "sync" or "explain" in request.query:
            return True
        named = _NAMES_MODEL.match(self._web.renamed(request).path)
        if named is not None:
            model, version = named.groups()
            return not self._cache.is_warm(model, version or request.headers.get(VERSION))
        return (
            VERSION in request.headers
            or not self._cache.models
            or not all(map(self._cache.is_warm, self._cache.models))
        )

    def handle(self, request: Request) -> Response:
        """Answer a request; never raises."""
        start = time.perf_counter()
        request = self._web.renamed(request)
        call = Call(self._backend, request, http.request_id(request), {})
        try:
            response = self._web.preflight(request) or self._page(call) or _answer(call, self._access)
        except Denied as error:
            response = problem(error.status, str(error), error.headers)
        except TidemillError as error:
            response = problem(error.status, str(error))
        except Exception:  # a client gets an answer, whatever happens
            facts = {"request_id": call.id, "path": request.path[:200], "trace": trace_id(request)}
            log.exception("a request failed", extra={"facts": facts})
            response = problem(
                HTTPStatus.INTERNAL_SERVER_ERROR, f"something went wrong here: the log tells of {call.id}."
            )
        finished = _finished(call, self._web.finished(request, response))
        model, version = ("", "") if call.served is None else (call.served.loaded.manifest.model, call.served.version)
        self._metrics.count(model, version, finished.status, time.perf_counter() - start)
        return finished

    def _page(self, call: Call) -> Response | None:
        """What Prometheus asks for; it is of this process alone."""
        if call.request.path != METRICS_PATH or call.request.method not in {"GET", "HEAD"}:
            return None
        self._access.admit(call.request)
        gauges = {"models_loaded": len(self._cache.models), "model_bytes": self._cache.size}
        page = self._metrics.exposition({**gauges, "shadows_dropped": self._shadows.dropped})
        return Response(HTTPStatus.OK, {"content-type": self._metrics.content_type}, page)

    def _log_metrics(self, *, due_only: bool) -> None:
        now = time.monotonic()
        if due_only and now - self._metrics_logged < self._metrics_every:
            return
        self._metrics_logged = now
        for facts in self._metrics.take(time.time()):
            metrics_log.info("served", extra={"facts": facts})


def _answer(call: Call, access: Access) -> Response:
    method = "GET" if call.request.method == "HEAD" else call.request.method
    path = call.request.path.rstrip("/")
    allowed: list[str] = []
    for endpoint, parameters in _at(path) if len(path) <= LONGEST_PATH else ():
        if endpoint.method == method:
            if endpoint.operation.answer not in ANSWERED_TO_EVERYBODY:
                call.caller = access.admit(call.request)
            call.path = parameters
            return call.finished(endpoint.handler(call))
        allowed += ["GET", "HEAD"] if endpoint.method == "GET" else [endpoint.method]
    if not allowed:
        raise NotFound(f"there is nothing at {call.request.path[:200]!r}: /openapi.json lists what there is.")
    sentence = f"{call.request.method[:20]} is not possible here: use {' or '.join(allowed)}."
    return problem(HTTPStatus.METHOD_NOT_ALLOWED, sentence, {"allow": ", ".join(allowed)})


@lru_cache(maxsize=1024)
def _at(path: str) -> list[tuple[Endpoint, Mapping[str, str | None]]]:
    """The endpoints at a path, each with the parameters in it; remembered, since most requests have the same few."""
    return [(endpoint, match.groupdict()) for pattern, endpoint in _TABLE if (match := pattern.fullmatch(path))]


def _finished(call: Call, response: Response) -> Response:
    headers = {**response.headers, http.REQUEST_ID: call.id, "content-length": str(len(response.body))}
    if call.served is not None:
        headers[http.MODEL_VERSION] = call.served.version
    if TRACEPARENT in call.request.headers:
        headers |= trace_headers(call.request)
    return Response(response.status, headers, b"" if call.request.method == "HEAD" else response.body)


@dataclass(frozen=True, slots=True)
class Options:
    """How a service is set up: `log_share` from 0 to 1, `max_body` and `memory` in bytes, the rest in seconds."""

    default_models: Sequence[str] = ()
    log_mode: LogMode = "buffered"
    log_share: float = 1.0
    route_ttl: float = 5.0
    max_body: int = MAX_BODY
    memory: int = MEMORY
    metrics_every: float = METRICS_EVERY

    @classmethod
    def of(cls, settings: Settings) -> Options:
        """As the environment says."""
        return cls(
            default_models=settings.serve,
            log_mode=settings.prediction_log,
            log_share=settings.prediction_log_share,
            route_ttl=settings.route_ttl,
            max_body=settings.max_body,
            memory=settings.model_memory,
            metrics_every=settings.metrics_every,
        )


def make_service(
    models: ReadsListsCreates,
    predictions: Creates,
    load: LoadPredictor,
    clock: Clock,
    options: Options = Options(),
    *,
    web: Web | None = None,
    access: Access | None = None,
) -> Service:
    """The service over the models and the predictions zone; `models` is created in for the journal alone."""
    cache = ModelCache(models, load, route_ttl=options.route_ttl, memory=options.memory)
    kept = PredictionLog(predictions, clock, mode=options.log_mode, share=options.log_share)

    def journal(refusal: Refusal) -> None:
        journal_refusal(models, clock, refusal, code_version())

    models_first, every = options.default_models, options.metrics_every
    return Service(cache, kept, models_first, options.max_body, web, access, journal, every)
