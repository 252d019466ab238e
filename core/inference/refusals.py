"""Versions that a route names and that are not served: kept until the journal can be told."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from ..errors import TidemillError, Transient
from ..ports import Clock

if TYPE_CHECKING:
    from ..usecases.journal import JournalStore

log = logging.getLogger(__name__)


class Unfit(Transient):
    """A version must not be served: its files or its golden rows are not what they should be. It may be mended."""


class Refusal(msgspec.Struct, frozen=True):
    """A version that was not served; `serving` goes on, None if nothing does. `revision` is the route's."""

    model: str
    version: str
    serving: str | None
    revision: int
    reason: str

    @property
    def decision(self) -> str:
        """The same on every machine, so that one of them journals it."""
        return f"refuse {self.version} at revision {self.revision}"


class Refusals:
    """Each decision once, until it is told."""

    def __init__(self) -> None:
        self._seen: set[tuple[str, str]] = set()
        self._waiting: list[Refusal] = []
        self._guard = threading.Lock()

    def note(self, refusal: Refusal) -> None:
        """Keep it unless it is known."""
        with self._guard:
            if (refusal.model, refusal.decision) not in self._seen:
                self._seen.add((refusal.model, refusal.decision))
                self._waiting.append(refusal)

    def tell(self, journal: Callable[[Refusal], None]) -> None:
        """Tell each once. What the journal cannot take now is told the next time."""
        with self._guard:
            waiting, self._waiting = self._waiting, []
        for refusal in waiting:
            try:
                journal(refusal)
            except TidemillError as error:
                log.warning("the journal is not told yet that %s is not served: %s", refusal.version, error)
                with self._guard:
                    self._waiting.append(refusal)


def no_journal(_refusal: Refusal) -> None:
    """For a service whose host keeps no journal: the log has told already."""


def journal_refusal(models: JournalStore, clock: Clock, refusal: Refusal, code: str) -> None:
    """Tell the journal; another process that told it first is found by the decision."""
    from ..usecases.journal import record  # noqa: PLC0415 - most processes have nothing to tell

    facts = msgspec.structs.asdict(refusal)
    model = facts.pop("model")
    record(models, clock, model, decision=refusal.decision, kind="not served", evidence=facts, code=code)
