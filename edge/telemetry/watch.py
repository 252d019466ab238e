"""Self-drift: whether what this device is asked, and what it answers, still looks as in training.

What counts is imported when there is something to count: the first answer does not wait for it.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from core.domain.columns import Columns
from core.errors import TidemillError
from core.inference.answers import Answers
from core.usecases.prediction_records import Answered

if TYPE_CHECKING:
    from core.domain.profile import Profile

    from .counted import Counted

AT_ONCE = 512
"""Rows that wait to be counted at most; of a busy second the others are not looked at."""

log = logging.getLogger(__name__)


class Part(NamedTuple):
    """Some rows of one request: columns as the model takes them, and its answers."""

    columns: Columns
    answers: Answers


class Figures(NamedTuple):
    """The share of rows, 0 to 1, that is otherwise, by column; `drifted` are those where that is certain and large."""

    features: Mapping[str, float]
    outputs: Mapping[str, float]
    drifted: tuple[str, ...]


NOTHING = Figures({}, {}, ())


class Watch:
    """Counts rows of one release against its profile, in bounded memory. Safe to share between threads.

    `see` is quick, and to be called for each request; `update` counts, off their path. `load` gives the profile, when
    it is first needed; where there is none that can be read, nothing is watched.
    """

    def __init__(self, load: Callable[[], Profile]) -> None:
        self._load = load
        self._waiting: deque[Part] = deque()
        self._rows = 0
        self._guard = threading.Lock()
        self._counting = threading.Lock()
        self._counts: Counted | None = None
        self._blind = False

    def see(self, answered: Answered) -> None:
        """Remember these rows to be counted, or some of them where they are many."""
        room = AT_ONCE - self._rows
        if room <= 0 or answered.error or self._blind:
            return
        step = -(-answered.rows.count // room)
        part = Part(answered.rows.columns, answered.answers)
        if step > 1:
            few = {name: values[::step].copy() for name, values in answered.rows.columns.items()}
            part = Part(few, answered.answers[::step])
        with self._guard:
            self._waiting.append(part)
            self._rows += len(part.answers)

    def update(self) -> None:
        """Count what was seen since."""
        with self._guard:
            parts, self._rows = list(self._waiting), 0
            self._waiting.clear()
        if not parts or self._blind:
            return
        with self._counting:
            counts = self._opened()
            if counts is not None:
                for part in parts:
                    counts.add(part)

    def figures(self) -> Figures:
        """What was found of the newest rows."""
        with self._counting:
            return NOTHING if self._counts is None else self._counts.figures()

    def _opened(self) -> Counted | None:
        if self._counts is None:
            from .counted import Counted  # noqa: PLC0415 - see above

            try:
                self._counts = Counted(self._load())
            except TidemillError:
                self._blind = True
                log.exception("this device does not watch for drift")
        return self._counts
