"""The realtime endpoint as one function: a request -> its answer, on every host alike."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from functools import cached_property
from http import HTTPStatus
from typing import TYPE_CHECKING

import msgspec

from ..code import code_version
from ..domain.model import ModelManifest
from ..errors import NotFound, TidemillError
from ..ports import Clock, Creates, LoadPredictor, ReadsCreates, ReadsListsCreates
from ..telemetry import METRICS_LOGGER
from ..usecases.log_predictions import LogMode, PredictionLog
from . import http
from .access import Access, Denied
from .cache import MEMORY, ModelCache
from .call import Backend, Call
from .http import Request, Response, problem
from .metrics import METRICS_PATH, Metrics
from .refusals import Refusal, journal_refusal, no_journal
from .routing import find
from .tracing import TRACEPARENT, trace_fields, trace_headers
from .trials import VERSION, Shadows, Trials
from .web import Web

if TYPE_CHECKING:
    from ..settings import Settings
    from .short_way import ShortWay

MAX_BODY = 6 * 1024 * 1024
METRICS_EVERY = 60.0
"""Seconds between two log lines of what was counted."""
CLOSING = 5.0
"""Seconds that answers in shadow get to end when the service is closed."""

_PAGE_METHODS = ("GET", "HEAD")
_NOT_MODIFIED = int(HTTPStatus.NOT_MODIFIED)

log = logging.getLogger(__name__)
metrics_log = logging.getLogger(METRICS_LOGGER)


class Service:
    """Answers requests. Safe to share between threads.

    `default_models` are loaded at the start; where there is one alone it answers `/invocations`, which names none.
    `max_body` is in bytes, unzipped. `web` is what browsers and platforms are granted, `access` who
    may ask. `journal` is told, by `tick`, of versions that a route names and that are not served. What was counted is
    logged every `metrics_every` seconds; `/metrics` has it all. `edge` opens the zone of devices.
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
        edge: Callable[[], ReadsCreates] | None = None,
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
        schemes = self._access.schemes
        self._backend = Backend(cache, predictions, trials, tuple(default_models), max_body, schemes, edge)
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
        found = find(self._web.renamed(request.path)).get(request.method)
        if found is None:
            return False
        if found.endpoint.waits:
            return True
        version, cache = request.headers.get(VERSION), self._cache
        if "model" in found.parameters:
            return not cache.is_warm(found.parameters["model"], found.parameters.get("version", version))
        return version is not None or not cache.models or not all(map(cache.is_warm, cache.models))

    @cached_property
    def short(self) -> ShortWay | None:
        """How the commonest requests are answered sooner than `handle` does; None where it matters who asks."""
        from .short_way import ShortWay  # noqa: PLC0415 - a host that is asked one request at a time needs none

        if self._access.is_closed:
            return None
        return ShortWay(self._cache, self._log, self._metrics, self._web, self.max_body)

    def handle(self, request: Request) -> Response:
        """Answer a request; never raises."""
        start, call = time.perf_counter(), Call(self._backend, request, http.request_id(request))
        try:
            response = self._answer(call)
        except Exception as error:  # noqa: BLE001 - a client gets an answer, whatever happens
            response = _failed(call, error)
        return self._finished(start, call, response)

    def _finished(self, start: float, call: Call, response: Response) -> Response:
        """The answer as the client gets it; counted."""
        manifest = None if call.served is None else call.served.loaded.manifest
        finished = _with_facts(call, manifest, self._web.finished(call.request, response))
        model, version = ("", "") if manifest is None else (manifest.model, manifest.version)
        self._metrics.count(model, version, finished.status, time.perf_counter() - start)
        return finished

    def _answer(self, call: Call) -> Response:
        path, method = self._web.renamed(call.request.path), call.request.method
        here = find(path)
        found = here.get(method)
        if found is None:
            return self._web.preflight(call.request) or self._page(call, path) or _nowhere(call.request, list(here))
        if self._access.is_closed and not found.endpoint.is_open:
            call.caller = self._access.admit(call.request)
        call.path = found.parameters
        return call.finished(found.endpoint.handler(call))

    def _page(self, call: Call, path: str) -> Response | None:
        """What Prometheus asks for; it is of this process alone."""
        if path != METRICS_PATH:
            return None
        if call.request.method not in _PAGE_METHODS:
            return _nowhere(call.request, _PAGE_METHODS)
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


def _failed(call: Call, error: Exception) -> Response:
    """The answer where there is none: what the client did wrong, or that the log tells more."""
    if isinstance(error, TidemillError):
        return problem(error.status, str(error), error.headers if isinstance(error, Denied) else None)
    request = call.request
    asked = {"requestMethod": request.method, "requestUrl": request.path[:200], "status": 500}
    facts = {"request_id": call.id, "httpRequest": asked, **trace_fields(request)}
    log.error("a request failed", exc_info=error, extra={"facts": facts})
    sentence = f"something went wrong here: the log tells of {call.id}."
    return problem(HTTPStatus.INTERNAL_SERVER_ERROR, sentence)


def _nowhere(request: Request, allowed: Sequence[str]) -> Response:
    """The answer where no endpoint is, or none for that method; raises NotFound."""
    if not allowed:
        raise NotFound(f"there is nothing at {request.path[:200]!r}: /openapi.json lists what there is.")
    sentence = f"{request.method[:20]} is not possible here: use {' or '.join(allowed)}."
    return problem(HTTPStatus.METHOD_NOT_ALLOWED, sentence, {"allow": ", ".join(allowed)})


def _with_facts(call: Call, manifest: ModelManifest | None, response: Response) -> Response:
    headers = {**response.headers, http.REQUEST_ID: call.id}
    if response.status != _NOT_MODIFIED:  # whose length would be that of the whole
        headers["content-length"] = str(len(response.body))
    if manifest is not None:
        headers[http.MODEL_VERSION] = manifest.version
    if TRACEPARENT in call.request.headers:
        headers |= trace_headers(call.request)
    return Response(response.status, headers, b"" if call.request.method == "HEAD" else response.body)


class Options(msgspec.Struct, frozen=True):
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


_DEFAULTS = Options()


def make_service(
    models: ReadsListsCreates,
    predictions: Creates,
    load: LoadPredictor,
    clock: Clock,
    options: Options = _DEFAULTS,
    *,
    web: Web | None = None,
    access: Access | None = None,
    edge: Callable[[], ReadsCreates] | None = None,
) -> Service:
    """The service over the models and the predictions zone; `models` is created in for the journal alone."""
    cache = ModelCache(models, load, route_ttl=options.route_ttl, memory=options.memory)
    kept = PredictionLog(predictions, clock, mode=options.log_mode, share=options.log_share)

    def journal(refusal: Refusal) -> None:
        journal_refusal(models, clock, refusal, code_version())

    models_first, every = options.default_models, options.metrics_every
    return Service(cache, kept, models_first, options.max_body, web, access, journal, every, edge)
