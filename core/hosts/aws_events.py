"""AWS Lambda for the functions that events start, and for a job that fits into one: `handler` is the entry point.

TIDEMILL_FUNCTION says which function this is. A queue's message that fails is delivered again, alone; one that cannot
succeed goes straight to the dead letters with its reason.
"""

from __future__ import annotations

import importlib
import logging
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any, Protocol

from ..adapters.jobs import open_jobs
from ..declaration import Declaration, declarations
from ..errors import BadInput, Permanent, TidemillError
from ..events.aws import Decoder, Envelope, envelopes, failures
from ..events.messages import Event, ObjectCreated
from ..runtime import Runtime
from ..settings import Settings
from ..specfile import spec_files
from ..telemetry import configure

log = logging.getLogger("tidemill")

Handle = Callable[[Event, Runtime], Mapping[str, Any]]


class DeadLetters(Protocol):
    """Where messages go that nobody can handle."""

    def keep(self, body: str, reason: str, function: str) -> None:
        """Keep the message with the reason; raises Transient if that is not possible now."""
        ...


def handler(event: Mapping[str, Any], context: object) -> Mapping[str, Any]:  # noqa: ARG001 - Lambda's signature
    """Lambda's entry point: `core.hosts.aws_events.handler`."""
    return _host()(event)


class EventHost:
    """One function on Lambda. `dead_letters` is None where there is no queue for them."""

    def __init__(
        self, declared: Declaration, handle: Handle, runtime: Runtime, dead_letters: DeadLetters | None = None
    ) -> None:
        self.declared = declared
        self._handle = handle
        self._runtime = runtime
        self._dead_letters = dead_letters

    def __call__(self, event: Mapping[str, Any]) -> Mapping[str, Any]:
        """Handle what Lambda was called with; the reply names the queue's messages that shall come again.

        What came without a queue raises its first error, once everything else in it is done: Lambda itself retries it.
        """
        models = tuple(path.stem for path in spec_files(self._runtime.settings.specs))
        decoder = Decoder(self._runtime.settings.store, self.declared.name, models)
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
            log.error("%s: %s", self.declared.name, error)  # noqa: TRY400 - a sentence, no traceback
            yield error
            return
        for message in filter(self._is_wanted, messages):
            try:
                reply = self._handle(message, self._runtime)
            except TidemillError as error:
                log.error("%s: %s", self.declared.name, error, extra=_facts(message))  # noqa: TRY400 - a sentence says it
                yield error
            except Exception as error:
                log.exception("%s", self.declared.name, extra=_facts(message))
                yield error
            else:
                log.info("%s", self.declared.name, extra=_facts(message, reply))

    def _is_wanted(self, message: Event) -> bool:
        """Rules of the cloud may let more through than was declared."""
        if not isinstance(message, ObjectCreated):
            return True
        return any(trigger.fits(message.zone, message.key) for trigger in self.declared.triggers)

    def _is_kept(self, envelope: Envelope, errors: list[Exception]) -> bool:
        """Whether the envelope went to the dead letters, because trying again cannot help."""
        if (
            self._dead_letters is None
            or envelope.id is None
            or not all(isinstance(error, Permanent) for error in errors)
        ):
            return False
        try:
            self._dead_letters.keep(str(envelope.body), " ".join(str(errors[0]).split()), self.declared.name)
        except TidemillError as error:
            log.warning("%s: the message stays in its queue: %s", self.declared.name, error)
            return False
        return True


def _facts(message: Event, reply: Mapping[str, Any] | None = None) -> Mapping[str, Any]:
    about = {"event": type(message).__name__} | {name: getattr(message, name) for name in message.__slots__}
    return {"facts": {**about, **(reply or {})}}


@cache
def _host() -> EventHost:
    settings = Settings.from_env()
    configure(json_lines=True, level=settings.log_level)
    declared = declarations().get(settings.function)
    if declared is None:
        raise BadInput(f"TIDEMILL_FUNCTION is {settings.function!r}; it must be one of {', '.join(declarations())}.")
    handle = importlib.import_module(f"functions.{declared.name}.handler").handle
    runtime = Runtime(settings, jobs=open_jobs(settings.jobs, settings.environ))
    return EventHost(declared, handle, runtime, _dead_letters(settings))


def _dead_letters(settings: Settings) -> DeadLetters | None:
    if not settings.dead_letters:
        return None
    from ..adapters.dead_letters_sqs import SqsDeadLetters  # noqa: PLC0415 - boto3 is slow to import

    return SqsDeadLetters(settings.dead_letters)
