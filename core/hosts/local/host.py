"""Turns a store into a cloud on one machine: finds events, calls functions, retries, and keeps what cannot be done."""

from __future__ import annotations

import hashlib
import importlib
import json
import logging
import threading
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeAlias

from ...declaration import declarations
from ...errors import Permanent, TidemillError, TimeUp
from ...runtime import Runtime
from .events import Scanner, event_of
from .jobs import run_job
from .queue import Queue, Work

MAX_ATTEMPTS = 5
FIRST_BACKOFF = 0.5
LONGEST_BACKOFF = 60.0

log = logging.getLogger("tidemill")


@dataclass(slots=True)
class Tally:
    """What was handled, and what failed for good or for now: (event, error) pairs."""

    handled: int = 0
    failed: list[dict[str, str]] = field(default_factory=list)


Call: TypeAlias = Callable[[Work, Runtime, threading.Event], Mapping[str, object]]


def call(work: Work, runtime: Runtime, stopping: threading.Event) -> Mapping[str, object]:
    """Call the function that the work is for; its reply. A job is ended when `stopping` is set."""
    if declarations()[work.function].kind == "job":
        return run_job(work, runtime.settings, stopping)
    handler = importlib.import_module(f"functions.{work.function}.handler")
    end = time.monotonic() + declarations()[work.function].timeout
    reply: Mapping[str, object] = handler.handle(event_of(work), runtime.ending(lambda: end - time.monotonic()))
    return reply


class LocalHost:
    """One machine's host. `settle` is how long a landing file must have been quiet; `stopping` makes it stop."""

    def __init__(
        self,
        runtime: Runtime,
        queue: Queue,
        settle: timedelta = timedelta(),
        call: Call = call,
    ) -> None:
        self.runtime = runtime
        self.stopping = threading.Event()
        self.queue = queue
        self._call = call
        self.scanner = Scanner(runtime, queue, settle)

    def run_due(self, functions: Collection[str], tally: Tally) -> None:
        """Do all that is due, one after the other."""
        while not self.stopping.is_set():
            work = self.queue.next(time.time(), functions)
            if work is None:
                return
            self._run(work, tally)

    def drain(self) -> Tally:
        """Handle everything until nothing is left; what fails is retried with backoff and then given up."""
        tally, names = Tally(), list(declarations())
        while True:
            self.scanner.scan()
            self.run_due(names, tally)
            if self.scanner.scan():
                continue
            pending = self.queue.pending()
            if not pending:
                return tally
            time.sleep(max(0.0, min(work.due for work in pending) - time.time()))

    def _run(self, work: Work, tally: Tally) -> None:
        started = time.monotonic()
        try:
            reply = self._call(work, self.runtime, self.stopping)
        except Exception as error:  # noqa: BLE001 - whatever a function raises must end in a retry or a dead letter
            self._failed(work, error, tally)
            return
        self.queue.done(work)
        tally.handled += 1
        seconds = round(time.monotonic() - started, 3)
        log.info("%s %s", work.function, work.subject, extra={"facts": {**reply, "seconds": seconds}})

    def _failed(self, work: Work, error: Exception, tally: Tally) -> None:
        sentence = str(error) if isinstance(error, TidemillError) else f"{type(error).__name__}: {error}"
        if isinstance(error, TimeUp):
            self.queue.go_on(work)
            log.info("%s %s: %s", work.function, work.subject, sentence)
            return
        if isinstance(error, Permanent) or work.attempts + 1 >= MAX_ATTEMPTS:
            self._keep_dead_letter(work, sentence)
            self.queue.give_up(work, sentence)
            tally.failed.append({"event": f"{work.function} {work.subject}", "error": sentence})
            log.error("%s %s: %s", work.function, work.subject, sentence, exc_info=error)
            return
        wait = min(FIRST_BACKOFF * 2**work.attempts, LONGEST_BACKOFF)
        self.queue.retry(work, sentence, time.time() + wait)
        log.warning("%s %s: %s Trying again in %.1f s.", work.function, work.subject, sentence, wait, exc_info=error)

    def _keep_dead_letter(self, work: Work, error: str) -> None:
        folder = self.runtime.settings.host / "dead-letter"
        folder.mkdir(parents=True, exist_ok=True)
        letter = {
            "function": work.function,
            "event": dict(work.arguments),
            "error": error,
            "attempts": work.attempts + 1,
        }
        (folder / dead_letter_name(work)).write_text(json.dumps(letter, indent=2) + "\n", "utf-8")

    def revive(self) -> int:
        """Make every dead letter pending again; how many that were."""
        for work in self.queue.dead():
            (self.runtime.settings.host / "dead-letter" / dead_letter_name(work)).unlink(missing_ok=True)
        return self.queue.revive()


def dead_letter_name(work: Work) -> str:
    """The file name of a dead letter: the function and a hash of what it is about."""
    return f"{work.function}-{hashlib.sha256(work.id.encode()).hexdigest()[:12]}.json"
