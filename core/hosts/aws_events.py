"""AWS Lambda for the functions that events start, and for a job that fits into one: `handler` is the entry point.

TIDEMILL_FUNCTION says which function this is. A queue's message that fails is delivered again, alone. One that cannot
succeed goes straight to the dead letters with its reason, and one that may, after its last attempt.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Protocol

from ..errors import BadInput, Permanent, TidemillError
from ..events.aws import ATTEMPTS, Decoder, Envelope, envelopes, failures
from ..settings import Settings
from ..specfile import spec_files
from ..telemetry import configure
from .worker import Worker, make_workers

log = logging.getLogger("tidemill")


class DeadLetters(Protocol):
    """Where messages go that nobody can handle."""

    def keep(self, body: str, reason: str, function: str) -> None:
        """Keep the message with the reason; raises Transient if that is not possible now."""
        ...


def handler(event: Mapping[str, Any], context: object) -> Mapping[str, Any]:  # noqa: ARG001 - Lambda's signature
    """Lambda's entry point: `core.hosts.aws_events.handler`."""
    return _host()(event)


class EventHost:
    """A function on Lambda. `dead_letters` is None where there is no queue for them."""

    def __init__(self, worker: Worker, dead_letters: DeadLetters | None = None) -> None:
        self._worker = worker
        self._dead_letters = dead_letters

    def __call__(self, event: Mapping[str, Any]) -> Mapping[str, Any]:
        """Handle what Lambda was called with; the reply names the queue's messages that shall come again.

        What came without a queue raises its first error, once everything else in it is done: Lambda itself retries it.
        """
        models = tuple(path.stem for path in spec_files(self._worker.runtime.settings.specs))
        decoder = Decoder(self._worker.runtime.settings.store, self._worker.declared.name, models)
        failed = []
        for envelope in envelopes(event):
            errors = list(self._errors(decoder, envelope))
            if not errors or self._is_kept(envelope, errors):
                continue
            if envelope.id is None:
                raise errors[0]
            failed.append(envelope.id)
        return failures(failed)

    def _errors(self, decoder: Decoder, envelope: Envelope) -> Iterator[Exception]:
        """Do everything that an envelope tells of; what went wrong."""
        try:
            messages = decoder.messages(envelope)
        except BadInput as error:
            log.error("%s: %s", self._worker.declared.name, error)  # noqa: TRY400 - a sentence, no traceback
            yield error
            return
        yield from self._worker.errors(messages)

    def _is_kept(self, envelope: Envelope, errors: list[Exception]) -> bool:
        """Whether the envelope went to the dead letters: trying again cannot help, or was tried often enough."""
        is_over = envelope.attempt >= ATTEMPTS or all(isinstance(error, Permanent) for error in errors)
        if self._dead_letters is None or envelope.id is None or not is_over:
            return False
        try:
            self._dead_letters.keep(str(envelope.body), _reason(errors[0]), self._worker.declared.name)
        except TidemillError as error:
            log.warning("%s: the message stays in its queue: %s", self._worker.declared.name, error)
            return False
        return True


def _reason(error: Exception) -> str:
    """One line; an error that nobody foresaw tells its type too, since it may say little else."""
    told = str(error) if isinstance(error, TidemillError) else f"{type(error).__name__}: {error}"
    return " ".join(told.split())


@cache
def _host() -> EventHost:
    settings = Settings.from_env()
    configure(json_lines=True, level=settings.log_level)
    if not settings.function:
        raise BadInput("TIDEMILL_FUNCTION must say which function this is.")
    return EventHost(make_workers(settings)[settings.function], _dead_letters(settings))


def _dead_letters(settings: Settings) -> DeadLetters | None:
    if not settings.dead_letters:
        return None
    from ..adapters.dead_letters_sqs import SqsDeadLetters  # noqa: PLC0415 - boto3 is slow to import

    return SqsDeadLetters(settings.dead_letters)
