"""The short way of the commonest request: rows to a champion at hand, as JSON, with no wish beside.

Such a request needs few of the steps that lead to an endpoint and back. Those that come at the same time are answered
with one run of the model, which takes little longer for several rows than for one: "dynamic batching", as in Clipper
(Crankshaw et al., NSDI 2017), but nobody is waited for. What is answered, counted and recorded is what `Service.handle`
does, but that the model's time in the record is that of the run.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from http import HTTPStatus

import msgspec

from ..usecases.log_predictions import PredictionLog
from ..usecases.score_together import score_together
from . import http
from .cache import ModelCache
from .http import Encoded, Received, Response
from .metrics import Metrics
from .routing import RowsAt, rows_at
from .served import Served
from .tracing import TRACEPARENT
from .trials import VERSION
from .web import WORTH_ZIPPING, Web

_OK = int(HTTPStatus.OK)
_CONTENT_TYPE, _CONTENT_LENGTH, _JSON = b"content-type", b"content-length", http.JSON.encode()
_REQUEST_ID, _MODEL_VERSION = http.REQUEST_ID.encode(), http.MODEL_VERSION.encode()
_WISHES = frozenset({VERSION.encode(), TRACEPARENT.encode(), b"origin", b"content-encoding"})
"""Headers that tell who answers, how a body is to be read, or what is to stand beside the answer."""

log = logging.getLogger(__name__)


class ShortWay:
    """Answers requests to which neither who asks nor any header but the id makes a difference."""

    def __init__(
        self, cache: ModelCache, predictions: PredictionLog, metrics: Metrics, web: Web, max_body: int
    ) -> None:
        self._cache, self._log, self._metrics, self._web = cache, predictions, metrics, web
        self._max_body = max_body
        self._is_open = predictions.mode != "sync"

    def leads_to(self, asked: Received) -> RowsAt | None:
        """Who answers a request that may go this way; None for any other."""
        here = rows_at(asked.path)
        return here if here is not None and self._is_plain(asked) else None

    def _is_plain(self, asked: Received) -> bool:
        """Whether nothing but its path and its body tells how it is to be answered."""
        return (
            self._is_open
            and asked.method == "POST"
            and asked.path not in self._web.aliases
            and not asked.query
            and 0 < len(asked.body) <= self._max_body
            and _WISHES.isdisjoint(asked.headers)
            and asked.headers.get(_CONTENT_TYPE, _JSON) == _JSON
        )

    def answer(self, here: RowsAt, asked: Sequence[Received]) -> None:
        """Set the answers to requests that lead there, but for those that have to take the long way.

        Those are all when there is a trial, when the store would have to be read, or when the model fails: the long way
        tells who is to blame.
        """
        served = self._cache.at_hand(here.model)
        if served is None or served.trial is not None:
            return
        try:
            self._answer(here, served, asked)
        except Exception:
            log.warning("%d requests are answered one by one", len(asked), exc_info=True)

    def _answer(self, here: RowsAt, served: Served, asked: Sequence[Received]) -> None:
        readable, requests = [], []
        features: list[msgspec.Struct] = []
        for each in asked:
            rows = served.reader.recorded(each.body)
            if rows is not None:
                readable.append(each)
                requests.append((rows, _id_of(each)))
                features += rows.features
        if not features:
            return
        scored = score_together(served.loaded, served.reader.arrays(features), requests, self._log)
        version, now = served.loaded.manifest.version, time.perf_counter()
        for each, (request_id, answers, prediction_ids) in zip(readable, scored, strict=True):
            body = msgspec.json.encode(here.told(answers, prediction_ids))
            each.answer = self._encoded(each, request_id, version, body)
            self._metrics.count(here.model, version, _OK, now - each.arrived)

    def _encoded(self, asked: Received, request_id: str, version: str, body: bytes) -> Encoded:
        beside: list[tuple[bytes, bytes]] = []
        if len(body) >= WORTH_ZIPPING:
            zipped = Encoded.of(self._web.finished(asked.decoded(), Response(_OK, {}, body)))
            beside, body = zipped.headers, zipped.body
        head = [
            (_CONTENT_TYPE, _JSON),
            (_REQUEST_ID, request_id.encode()),
            (_CONTENT_LENGTH, str(len(body)).encode()),
            (_MODEL_VERSION, version.encode()),
            *beside,
        ]
        return Encoded(_OK, head, body)


def _id_of(asked: Received) -> str:
    given = asked.headers.get(_REQUEST_ID)
    return http.sane_or_new(None if given is None else given.decode("latin-1"))
