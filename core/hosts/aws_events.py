"""AWS Lambda for the functions that events start, and for a job that fits into one: `handler` is the entry point.

TIDEMILL_FUNCTION says which function this is. A queue's message that fails is delivered again, alone. One that cannot
succeed goes straight to the dead letters with its reason, and one that may, after its last attempt. One whose work is
not finished when the function's time is up is sent to the queue again, as new, for a successor.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any, Protocol

from ..errors import BadInput, Permanent, TidemillError, TimeUp
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


class Successors(Protocol):
    """Gives a message to the next call of this function."""

    def hand_on(self, body: str) -> None:
        """Send the message as a new one; raises Transient if that is not possible now."""
        ...


class Context(Protocol):
    """What Lambda says of a call: https://docs.aws.amazon.com/lambda/latest/dg/python-context.html."""

    def get_remaining_time_in_millis(self) -> int:
        """Until Lambda ends it."""
        ...


def handler(event: Mapping[str, Any], context: Context) -> Mapping[str, Any]:
    """Lambda's entry point: `core.hosts.aws_events.handler`."""
    return _host()(event, lambda: context.get_remaining_time_in_millis() / 1000)


class EventHost:
    """A function on Lambda. `dead_letters` and `successors` are None where there is no queue for them."""

    def __init__(
        self, worker: Worker, dead_letters: DeadLetters | None = None, successors: Successors | None = None
    ) -> None:
        self._worker = worker
        self._dead_letters = dead_letters
        self._successors = successors

    def __call__(self, event: Mapping[str, Any], seconds_left: Callable[[], float] | None = None) -> Mapping[str, Any]:
        """Handle what Lambda was called with; the reply names the queue's messages that shall come again.

        What came without a queue raises its first error, once everything else in it is done: Lambda itself retries it.
        """
        models = tuple(path.stem for path in spec_files(self._worker.runtime.settings.specs))
        decoder = Decoder(self._worker.runtime.settings.store, self._worker.declared.name, models)
        failed = []
        for envelope in envelopes(event):
            errors = list(self._errors(decoder, envelope, seconds_left))
            if not errors or self._is_handed_on(envelope, errors) or self._is_kept(envelope, errors):
                continue
            if envelope.id is None:
                raise errors[0]
            failed.append(envelope.id)
        return failures(failed)

    def _errors(
        self, decoder: Decoder, envelope: Envelope, seconds_left: Callable[[], float] | None
    ) -> Iterator[Exception]:
        """Do everything that an envelope tells of; what went wrong."""
        try:
            messages = decoder.messages(envelope)
        except BadInput as error:
            log.error("%s: %s", self._worker.declared.name, error)  # noqa: TRY400 - a sentence, no traceback
            yield error
            return
        yield from self._worker.errors(messages, seconds_left)

    def _is_handed_on(self, envelope: Envelope, errors: list[Exception]) -> bool:
        """Whether a successor goes on with the envelope: as a new message, of which no attempt is counted yet."""
        is_time_up = all(isinstance(error, TimeUp) for error in errors)
        if self._successors is None or envelope.id is None or not is_time_up:
            return False
        try:
            self._successors.hand_on(str(envelope.body))
        except TidemillError as error:
            log.warning("%s: the message stays in its queue: %s", self._worker.declared.name, error)
            return False
        return True

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
    return EventHost(make_workers(settings)[settings.function], _dead_letters(settings), _successors(settings))


def _dead_letters(settings: Settings) -> DeadLetters | None:
    if not settings.dead_letters:
        return None
    from ..adapters.dead_letters_sqs import SqsDeadLetters  # noqa: PLC0415 - boto3 is slow to import

    return SqsDeadLetters(settings.dead_letters)


def _successors(settings: Settings) -> Successors | None:
    if not settings.queue:
        return None
    from ..adapters.successors_sqs import SqsSuccessors  # noqa: PLC0415 - boto3 is slow to import

    return SqsSuccessors(settings.queue)
