"""One function at work: messages in, what went wrong out. Every host of events has one for each function it calls."""

from __future__ import annotations

import importlib
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from ..adapters.jobs import open_jobs
from ..declaration import Declaration, declarations
from ..errors import BadInput, TidemillError, TimeUp
from ..events.messages import Event, ObjectCreated, ScheduleFired, TrainingClaimed
from ..runtime import Runtime
from ..settings import Settings

log = logging.getLogger("tidemill")

Handle = Callable[[Event, Runtime], Mapping[str, Any]]


class Worker:
    """Calls one function. `handle` is the function itself, or None for the one of the declaration's name."""

    def __init__(self, declared: Declaration, runtime: Runtime, handle: Handle | None = None) -> None:
        self.declared = declared
        self.runtime = runtime
        self._handle = handle or importlib.import_module(f"functions.{declared.name}.handler").handle

    def errors(self, messages: Iterable[Event], seconds_left: Callable[[], float] | None = None) -> Iterator[Exception]:
        """Do everything that concerns the function, whatever fails of it; what went wrong.

        `seconds_left` are those until the host ends the call; by its declaration where the host does not say.
        """
        runtime = self.runtime.ending(seconds_left or self._as_declared())
        for message in filter(self.wants, messages):
            try:
                reply = self._handle(message, runtime)
            except TimeUp as error:
                log.info("%s: %s", self.declared.name, error, extra=_facts(message))
                yield error
            except TidemillError as error:
                log.error("%s: %s", self.declared.name, error, extra=_facts(message))  # noqa: TRY400 - a sentence says it
                yield error
            except Exception as error:
                log.exception("%s", self.declared.name, extra=_facts(message))
                yield error
            else:
                log.info("%s", self.declared.name, extra=_facts(message, reply))

    def _as_declared(self) -> Callable[[], float]:
        end = time.monotonic() + self.declared.timeout
        return lambda: end - time.monotonic()

    def wants(self, message: Event) -> bool:
        """Whether the message is for this function: rules of a cloud may let more through than was declared."""
        match message:
            case ObjectCreated(zone, key):
                return any(trigger.fits(zone, key) for trigger in self.declared.triggers)
            case ScheduleFired(schedule):
                return schedule == self.declared.name
            case TrainingClaimed():
                return self.declared.kind == "job"


def make_workers(settings: Settings) -> dict[str, Worker]:
    """The function that TIDEMILL_FUNCTION names, or every one that events start if it names none.

    Raises BadInput if there is no such function.
    """
    known = declarations()
    if settings.function and settings.function not in known:
        raise BadInput(f"TIDEMILL_FUNCTION is {settings.function!r}; it must be one of {', '.join(known)}.")
    names = [settings.function] if settings.function else [each.name for each in known.values() if each.kind == "event"]
    runtime = Runtime(settings, jobs=open_jobs(settings.jobs, settings.environ))
    return {name: Worker(known[name], runtime) for name in names}


def _facts(message: Event, reply: Mapping[str, Any] | None = None) -> Mapping[str, Any]:
    about = {"event": type(message).__name__} | {name: getattr(message, name) for name in message.__slots__}
    return {"facts": {**about, **(reply or {})}}
