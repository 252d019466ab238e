"""Keep what was answered: one JSON Lines object a page, in the predictions zone.

A page is named and its rows are numbered before they are answered, so a prediction id tells where its record is. In
mode sampled the id alone decides whether it is recorded: `is_sampled` tells.

| mode     | when a page is written                            | what a killed process loses                     |
| -------- | ------------------------------------------------- | ----------------------------------------------- |
| sync     | before the answer, one page a request             | nothing that was answered                       |
| buffered | when it is full or old enough, and at the end     | at most the pages since: `max_rows`, `max_age`  |
| sampled  | as buffered, with a share of the predictions      | the same; the others are not recorded at all    |
| off      | never; ids are given all the same                 | everything                                      |
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal, TypeAlias
from uuid import uuid4

import msgspec

from .. import layout
from ..domain.columns import Outputs
from ..domain.prediction import (
    ANSWERED_AT,
    ERROR,
    LATENCY_MS,
    MODEL_VERSION,
    PREDICTION_ID,
    REVISION,
    ROLE,
    SHADOW_OF,
    realtime_id,
)
from ..domain.traffic import Role, point
from ..errors import AlreadyExists, TidemillError, Transient
from ..inference.answers import plain
from ..inference.rows import Rows
from ..ports import Clock, Creates

LogMode: TypeAlias = Literal["off", "sampled", "buffered", "sync"]

GIVE_WAY = 16
"""How many requests are encoded before other threads get their turn."""
KEPT_PAGES = 100
"""How many pages wait for a store that cannot be written to, before the oldest is given up."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Answered:
    """One request that was answered: n rows, by one version. `classes` is empty for regression.

    `seconds` is what the model took for all rows. `revision` is the route's during a trial, else 0. `shadow_of` are the
    ids of the answers that were given, where this one was not. With an `error` there are no outputs.
    """

    model: str
    version: str
    classes: tuple[str, ...]
    request_id: str
    rows: Rows
    outputs: Outputs
    seconds: float = 0.0
    role: Role = "champion"
    revision: int = 0
    shadow_of: Sequence[str] = ()
    error: str = ""


def is_sampled(prediction_id: str, share: float) -> bool:
    """Whether a log of `share` (0 to 1) of all predictions has this one; of a shadow, ask for the one it is beside."""
    return share >= 1 or point("sample", prediction_id) < share


@dataclass(slots=True)
class _Page:
    """One object to be: the answers of one model on one day, in the order of their rows."""

    model: str
    day: str
    name: str
    opened: datetime
    count: int = 0
    answers: list[tuple[int, datetime, Answered]] = field(default_factory=list)

    @property
    def key(self) -> str:
        return layout.realtime_log(self.model, self.day, self.name)

    def number(self, rows: int) -> list[str]:
        first, self.count = self.count, self.count + rows
        return [realtime_id(self.model, self.day, self.name, row) for row in range(first, self.count)]

    def encode(self, share: float) -> bytes:
        encoder, lines = msgspec.json.Encoder(), bytearray()
        for number, (first, at, answered) in enumerate(self.answers):
            for record in _records(answered, self, first, at):
                if share >= 1 or is_sampled(record.get(SHADOW_OF, record[PREDICTION_ID]), share):
                    encoder.encode_into(record, lines, -1)
                    lines += b"\n"
            if number % GIVE_WAY == 0:
                time.sleep(0)  # lets go of the interpreter, which the thread that answers requests waits 5 ms for
        return bytes(lines)


class PredictionLog:
    """Gives every row its id, and keeps what was answered. Safe to share between threads.

    `writer` tells this process from every other; `share` of the predictions are kept in mode sampled. Hosts call
    `flush(due_only=True)` now and then, and `flush()` at the end; neither happens on the path of a request.
    """

    def __init__(
        self,
        predictions: Creates,
        clock: Clock,
        *,
        mode: LogMode = "buffered",
        share: float = 1.0,
        writer: str | None = None,
        max_rows: int = 1000,
        max_age: timedelta = timedelta(seconds=5),
    ) -> None:
        self.mode = mode
        self._share = share if mode == "sampled" else 1.0
        self._predictions = predictions
        self._clock = clock
        self._writer = writer or uuid4().hex[:12]
        self._max_rows = max_rows
        self._max_age = max_age
        self._sequence = 0
        self._open: dict[str, _Page] = {}
        self._full: list[_Page] = []
        self._pages = threading.Lock()
        self._writing = threading.Lock()

    def record(self, answered: Answered) -> list[str]:
        """Ids of the rows. In mode sync they are stored when this returns; raises Transient if they cannot be."""
        at = self._clock.now()
        with self._pages:
            page = self._page(answered.model, at)
            first = page.count
            ids = page.number(answered.rows.count)
            if self.mode != "off":
                page.answers.append((first, at, answered))
            if self.mode in {"sync", "off"} or page.count >= self._max_rows:
                self._close(page)
        if self.mode == "sync":
            self._create_now(page)
        return ids

    def flush(self, *, due_only: bool = False) -> None:
        """Write every page, or those alone that are full or old enough. What cannot be written now is kept."""
        with self._writing:
            pages = self._take(due_only=due_only)
            while pages and self._store(pages[0]):
                del pages[0]
            self._keep(pages)

    def _store(self, page: _Page) -> bool:
        """Whether the page is done with."""
        try:
            self._create(page)
        except Transient as error:
            log.warning("predictions are not stored yet: %s", error, extra={"facts": {"key": page.key}})
            return False
        except TidemillError as error:
            log.error("%d predictions are lost: %s", page.count, error, extra={"facts": {"key": page.key}})  # noqa: TRY400
        return True

    def _take(self, *, due_only: bool) -> list[_Page]:
        """The pages to write now, oldest first."""
        now = self._clock.now()
        with self._pages:
            for page in list(self._open.values()):
                if not due_only or now - page.opened >= self._max_age:
                    self._close(page)
            pages, self._full = self._full, []
        return pages

    def _keep(self, pages: list[_Page]) -> None:
        """Pages for the next time; the oldest are given up when too many wait."""
        with self._pages:
            waiting = [*pages, *self._full]
            self._full = waiting[-KEPT_PAGES:]
        for lost in waiting[:-KEPT_PAGES]:
            log.error("%d predictions are lost: the store stayed away", lost.count, extra={"facts": {"key": lost.key}})

    def _page(self, model: str, now: datetime) -> _Page:
        day = now.date().isoformat()
        page = self._open.get(model)
        if page is not None and page.day != day:
            self._close(page)
            page = None
        if page is None:
            self._sequence += 1
            page = self._open[model] = _Page(model, day, f"{self._writer}-{self._sequence}", now)
        return page

    def _close(self, page: _Page) -> None:
        del self._open[page.model]
        if self.mode in {"buffered", "sampled"}:
            self._full.append(page)

    def _create_now(self, page: _Page) -> None:
        try:
            self._create(page)
        except TidemillError as error:
            raise Transient(f"the answer cannot be recorded, and so is not given: {error}") from error

    def _create(self, page: _Page) -> None:
        data = page.encode(self._share)
        if not data:
            return
        try:
            self._predictions.create(page.key, data)
        except AlreadyExists:
            log.debug("an earlier attempt stored %s", page.key)


def _records(answered: Answered, page: _Page, first: int, at: datetime) -> Iterator[dict[str, Any]]:
    rows = answered.rows
    same = _of_every_row(answered, at)
    answers = [{}] * rows.count if answered.error else plain(answered.outputs, answered.classes)
    features = zip(*rows.features.values(), strict=True)
    for row, (answer, values) in enumerate(zip(answers, features, strict=True)):
        record = {
            PREDICTION_ID: realtime_id(page.model, page.day, page.name, first + row),
            **same,
            "features": dict(zip(rows.features, values, strict=True)),
        }
        if answered.shadow_of:
            record[SHADOW_OF] = answered.shadow_of[row]
        if rows.ids is not None:
            record["id"] = rows.ids[row]
        if rows.times is not None:
            record["time"] = rows.times[row]
        if rows.sensitive is not None:
            record["sensitive"] = {name: values[row] for name, values in rows.sensitive.items()}
        yield record | answer


def _of_every_row(answered: Answered, at: datetime) -> dict[str, Any]:
    fields: dict[str, Any] = {
        ANSWERED_AT: at.isoformat(),
        MODEL_VERSION: answered.version,
        "request_id": answered.request_id,
        ROLE: answered.role,
        LATENCY_MS: round(answered.seconds * 1000, 3),
    }
    if answered.revision:
        fields[REVISION] = answered.revision
    if answered.error:
        fields[ERROR] = answered.error
    return fields
