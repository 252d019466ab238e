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
import os
import threading
from collections import deque
from datetime import datetime, timedelta
from typing import Literal, TypeAlias

from ..errors import AlreadyExists, TidemillError, Transient
from ..ports import Clock, Creates
from .prediction_page import Page
from .prediction_records import Answered

LogMode: TypeAlias = Literal["off", "sampled", "buffered", "sync"]

KEPT_PAGES = 200
"""How many full pages wait for a store that cannot be written to, or not fast enough, before the oldest is given up."""

log = logging.getLogger(__name__)


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
        self._writer = writer or os.urandom(6).hex()
        self._max_rows = max_rows
        self._max_age = max_age
        self._sequence = 0
        self._open: dict[str, Page] = {}
        self._full: deque[Page] = deque()
        self._pages = threading.Lock()
        self._writing = threading.Lock()

    def record(self, answered: Answered) -> list[str]:
        """Ids of the rows. In mode sync they are stored when this returns; raises Transient if they cannot be."""
        at = self._clock.now()
        with self._pages:
            page = self._open.get(answered.model)
            if page is None or page.day != at.date():
                page = self._turn(page, answered.model, at)
            ids = page.number(answered.rows.count) if self.mode == "off" else page.add(answered, at)
            if page.count >= self._max_rows or self.mode == "sync":
                self._close(page)
        if self.mode == "sync":
            self._create_now(page)
        return ids

    def flush(self, *, due_only: bool = False) -> None:
        """Write every page, or those alone that are full or old enough. What cannot be written now is kept."""
        with self._writing:
            self._close_pages(due_only=due_only)
            while (page := self._next_page()) is not None:
                if not self._store(page):
                    self._keep(page)
                    return

    def _close_pages(self, *, due_only: bool) -> None:
        now = self._clock.now()
        with self._pages:
            for page in list(self._open.values()):
                if not due_only or now - page.opened >= self._max_age:
                    self._close(page)

    def _next_page(self) -> Page | None:
        """The oldest page to be written."""
        with self._pages:
            return self._full.popleft() if self._full else None

    def _keep(self, page: Page) -> None:
        """The page is the first to be written the next time."""
        with self._pages:
            self._full.appendleft(page)
            self._give_up()

    def _give_up(self) -> None:
        """Let go of the oldest pages when too many wait."""
        while len(self._full) > KEPT_PAGES:
            lost = self._full.popleft()
            log.error("%d predictions are lost: the store is too slow", lost.count, extra={"facts": {"key": lost.key}})

    def _store(self, page: Page) -> bool:
        """Whether the page is done with."""
        try:
            self._create(page)
        except Transient as error:
            log.warning("predictions are not stored yet: %s", error, extra={"facts": {"key": page.key}})
            return False
        except TidemillError as error:
            log.error("%d predictions are lost: %s", page.count, error, extra={"facts": {"key": page.key}})  # noqa: TRY400
        return True

    def _turn(self, page: Page | None, model: str, now: datetime) -> Page:
        """The next page of a model; the one before, if there is one, is closed."""
        if page is not None:
            self._close(page)
        self._sequence += 1
        name = f"{self._writer}-{self._sequence}"
        self._open[model] = Page.open(model, name, now, self._share)
        return self._open[model]

    def _close(self, page: Page) -> None:
        page.encode()  # here, since the thread that writes would take the interpreter from those that answer
        del self._open[page.model]
        if self.mode in {"buffered", "sampled"}:
            self._full.append(page)
            self._give_up()

    def _create_now(self, page: Page) -> None:
        try:
            self._create(page)
        except TidemillError as error:
            raise Transient(f"the answer cannot be recorded, and so is not given: {error}") from error

    def _create(self, page: Page) -> None:
        data = page.data()
        if not data:
            return
        try:
            self._predictions.create(page.key, data)
        except AlreadyExists:
            log.debug("an earlier attempt stored %s", page.key)
