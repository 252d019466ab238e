"""Answer while a challenger stands beside the champion: by the one that the key falls to, or by both, one in shadow."""

from __future__ import annotations

import logging
import re
import threading
from collections import deque
from collections.abc import Callable, Sequence

from ..domain.traffic import Role, gets_challenger
from ..errors import BadInput, TidemillError
from ..usecases.log_predictions import PredictionLog
from ..usecases.score_one import Answer, score
from .http import Request
from .rows import Rows
from .served import Served, Trial

KEY = "x-tidemill-key"
"""The header by which a caller says whom a request is for, so that the same one is answered by the same version."""
VERSION = "x-tidemill-version"
"""The header by which a caller asks for one version, whoever is champion."""
WAITING = 1000
"""Requests that may wait for their answer in shadow; a busy process gives up the newest beyond that."""
IDLE = 1.0
"""Seconds without work after which the thread of the shadows ends."""

VERSION_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
"""What a version may be called; it cannot climb out of its folder."""

log = logging.getLogger(__name__)


class Shadows:
    """Work that nobody waits for, one by one on a thread that comes and goes. Safe to share between threads."""

    def __init__(self, waiting: int = WAITING) -> None:
        self._work: deque[Callable[[], object]] = deque()
        self._capacity = waiting
        self._change = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closing = False
        self.dropped = 0

    def submit(self, work: Callable[[], object]) -> None:
        """Do it soon, or never when too much waits already."""
        with self._change:
            if self._closing or len(self._work) >= self._capacity:
                self.dropped += 1
                return
            self._work.append(work)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="tidemill-shadow", daemon=True)
                self._thread.start()
            self._change.notify_all()

    def close(self, seconds: float) -> None:
        """Do what is left, for `seconds` at most; nothing more is taken."""
        with self._change:
            self._closing = True
            self._change.notify_all()
            if not self._change.wait_for(lambda: self._thread is None, seconds):
                log.warning("%d answers in shadow are given up", len(self._work))

    def _run(self) -> None:
        while (work := self._next()) is not None:
            try:
                work()
            except Exception:  # the answer was given long ago; the next one may fare better
                log.exception("an answer in shadow could not be recorded")

    def _next(self) -> Callable[[], object] | None:
        with self._change:
            self._change.wait_for(lambda: self._work or self._closing, IDLE)
            if self._work:
                return self._work.popleft()
            self._thread = None
            self._change.notify_all()
            return None


class Trials:
    """Answers for models that are on trial, and records each answer as what it was."""

    def __init__(self, log: PredictionLog, shadows: Shadows) -> None:
        self._log = log
        self._shadows = shadows

    def answer(self, champion: Served, trial: Trial, rows: Rows, *, request_id: str, key: str) -> tuple[Served, Answer]:
        """Who answers, and what. A challenger that fails is recorded as such, and the champion answers."""
        role: Role = "champion"
        if gets_challenger(trial.route, key):
            tried = self._try(trial, rows, request_id, "challenger")
            if tried is not None:
                return trial.challenger, tried
            role = "fallback"
        revision = trial.route.revision
        given = score(champion.loaded, rows, self._log, request_id=request_id, role=role, revision=revision)
        if trial.route.mode == "shadow":
            self._shadows.submit(lambda: self._try(trial, rows, request_id, "shadow", given.prediction_ids))
        return champion, given

    def _try(
        self, trial: Trial, rows: Rows, request_id: str, role: Role, shadow_of: Sequence[str] = ()
    ) -> Answer | None:
        """The challenger's answer, or None if it fails; raises Transient if that cannot be recorded in mode sync."""
        challenger, revision = trial.challenger.loaded, trial.route.revision
        try:
            return score(
                *(challenger, rows, self._log),
                request_id=request_id,
                role=role,
                revision=revision,
                shadow_of=shadow_of,
            )
        except TidemillError:
            raise
        except Exception as error:  # noqa: BLE001 - recorded, it counts against the challenger; the champion answers
            log.warning(
                "challenger %s failed: %r", challenger.version, error, extra={"facts": {"request_id": request_id}}
            )
            return None


def key_of(request: Request, rows: Rows, request_id: str) -> str:
    """Whom a request is for: as its caller says, else its first row's id, else the request itself."""
    said = request.headers.get(KEY)
    if said:
        return said
    first = rows.ids[0] if rows.ids else None
    return request_id if first is None else str(first)


def named_version(request: Request) -> str | None:
    """The version that a request asks for by its header; raises BadInput for what is none."""
    said = request.headers.get(VERSION)
    if said is not None and not VERSION_NAME.fullmatch(said):
        raise BadInput(f"header {VERSION} is {said[:80]!r}, which is no version.")
    return said
