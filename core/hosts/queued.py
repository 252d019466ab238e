"""`python -m core.hosts.queued`: takes what waits in a function's queue until nothing is left, then ends.

For platforms that start containers because a queue has messages, such as the jobs of Azure Container Apps. A message is
hidden while it is handled, and finished once it is done: who dies with it in hand loses nothing. What may succeed later
comes again, after a while; what cannot, or was tried often enough, goes to the dead letters with its reason.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime

from ..adapters.queue_azure import Message, StorageQueue, open_queue
from ..errors import BadInput, Permanent, TidemillError, TimeUp
from ..events.deliveries import Decoder
from ..settings import Settings
from ..specfile import spec_files
from ..telemetry import configure
from .job import DONE, PERMANENT_FAILURE, TEMPORARY_FAILURE
from .worker import Worker, make_workers

PAUSES = (10, 40, 160, 640)
"""Seconds until a message that failed comes again: after the first attempt, the second, …; then it is given up."""
ATTEMPTS = len(PAUSES) + 1
MARGIN = 60
"""Seconds that a message stays hidden beyond its function's time, so that nobody else takes it meanwhile."""
LONGEST_REASON, LONGEST_TEXT = 1000, 6000
"""In characters: a dead letter has to fit into a message itself."""

_ABANDONED = Permanent(
    f"the function was called {ATTEMPTS} times and never lived to say what failed: it may need more memory or time."
)

log = logging.getLogger("tidemill")


class QueueHost:
    """One function, its queue and its dead letters. `elapsed` are the seconds since the process began."""

    def __init__(
        self, worker: Worker, queue: StorageQueue, dead_letters: StorageQueue, elapsed: Callable[[], float]
    ) -> None:
        self._worker = worker
        self._queue = queue
        self._dead_letters = dead_letters
        self._elapsed = elapsed

    def run(self) -> int:
        """Handle messages while there are any, and time for a whole one; how many were.

        The platform has to give the process twice the function's time. Raises Permanent or Transient if the queue
        cannot be asked.
        """
        handled = 0
        timeout = self._worker.declared.timeout
        while self._elapsed() < timeout and (message := self._queue.take(timeout + MARGIN)) is not None:
            self._handle(message)
            handled += 1
        return handled

    def _handle(self, message: Message) -> None:
        errors = [_ABANDONED] if message.attempt > ATTEMPTS else self._errors(message)
        if not errors:
            self._queue.finish(message)
        elif all(isinstance(error, TimeUp) for error in errors):
            self._queue.put(message.body)  # as new, for a successor: no attempt of it is counted yet
            self._queue.finish(message)
        elif message.attempt >= ATTEMPTS or all(isinstance(error, Permanent) for error in errors):
            self._keep(message, errors[0])
        else:
            self._queue.retry(message, PAUSES[message.attempt - 1])

    def _errors(self, message: Message) -> list[Exception]:
        settings = self._worker.runtime.settings
        models = [path.stem for path in spec_files(settings.specs)]
        try:
            messages = Decoder(settings.store, models).taken(message.text, datetime.now(UTC))
        except BadInput as error:
            return [error]
        return list(self._worker.errors(messages))

    def _keep(self, message: Message, error: Exception) -> None:
        """First the dead letter, then the end of the message: there may be two of it, but never none."""
        reason = str(error) if isinstance(error, TidemillError) else f"{type(error).__name__}: {error}"
        told = {"function": self._worker.declared.name, "reason": " ".join(reason.split())[:LONGEST_REASON]}
        self._dead_letters.send({**told, "message": message.text[:LONGEST_TEXT]})
        self._queue.finish(message)
        log.error("dead letter: %s", told["reason"], extra={"facts": {"function": told["function"]}})


def main() -> int:
    """Handle what waits; the process's exit code."""
    started = time.monotonic()
    try:
        settings = Settings.from_env()
        configure(json_lines=True, level=settings.log_level)
        handled = _host(settings, lambda: time.monotonic() - started).run()
    except TidemillError as error:
        sys.stderr.write(" ".join(str(error).split()) + "\n")
        return PERMANENT_FAILURE if isinstance(error, Permanent) else TEMPORARY_FAILURE
    log.info("%s: %d messages handled", settings.function, handled)
    return DONE


def _host(settings: Settings, elapsed: Callable[[], float]) -> QueueHost:
    for name, value in {
        "TIDEMILL_FUNCTION": settings.function,
        "TIDEMILL_QUEUE": settings.queue,
        "TIDEMILL_DEAD_LETTERS": settings.dead_letters,
    }.items():
        if not value:
            raise BadInput(f"{name} is not set: it must say what is read, for which function.")
    worker = make_workers(settings)[settings.function]
    queue = open_queue(settings.queue, settings.environ, "TIDEMILL_QUEUE")
    dead_letters = open_queue(settings.dead_letters, settings.environ, "TIDEMILL_DEAD_LETTERS")
    return QueueHost(worker, queue, dead_letters, elapsed)


if __name__ == "__main__":
    sys.exit(main())
