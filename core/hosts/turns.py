"""Requests that come in one turn of the event loop are answered together, since that takes little longer than one."""

from __future__ import annotations

import asyncio

from ..inference.http import Encoded, Received
from ..inference.routing import RowsAt
from ..inference.short_way import ShortWay

SMALL = 64 * 1024
"""Bytes of a body that is answered within a few milliseconds."""
FEW = 4096
"""Bytes of a body that may wait for others; a larger one has rows enough by itself."""
MOST = 64
"""Requests that are answered together: more would wait for each other without being answered faster."""


class Turns:
    """Gathers the requests of a turn that may go the short way, for each model; of one event loop alone.

    The end of a turn is waited for only after one with several requests: who asks alone is answered at once.
    """

    def __init__(self, short: ShortWay | None) -> None:
        self._short = short
        self._waiting: dict[str, list[Received]] = {}
        self._answered = 0
        self._is_crowded = False

    def enter(self, asked: Received) -> RowsAt | None:
        """Who answers a request the short way; None for one that has to take the long way."""
        here = None if self._short is None or len(asked.body) > SMALL else self._short.leads_to(asked)
        if here is not None:
            self._waiting.setdefault(here.model, []).append(asked)
        return here

    def is_worth_waiting(self, here: RowsAt, asked: Received) -> bool:
        """Whether others are likely to come in this turn with whom this one is answered sooner."""
        return self._is_crowded and len(asked.body) <= FEW and len(self._waiting[here.model]) < MOST

    def answer(self, here: RowsAt, asked: Received) -> Encoded | None:
        """The answer to a request that has entered; None if it has to take the long way after all."""
        if not asked.is_done:
            self._answer_all(here)
        return asked.answer

    def _answer_all(self, here: RowsAt) -> None:
        assert self._short is not None
        waiting = self._waiting.pop(here.model)
        for each in waiting:
            each.is_done = True
        self._short.answer(here, waiting)
        if not self._answered:
            asyncio.get_running_loop().call_soon(self._end_turn)
        self._answered += len(waiting)

    def _end_turn(self) -> None:
        self._is_crowded, self._answered = self._answered > 1, 0
