"""Append to a model's journal, exactly once for each decision."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from .. import layout
from ..domain import journal
from ..domain.journal import Audit, Entry
from ..errors import AlreadyExists
from ..ports import Clock, Creates, Lists, Reads


class JournalStore(Reads, Lists, Creates, Protocol):
    """What keeping a journal needs."""


class ReadableJournal(Reads, Lists, Protocol):
    """What reading a journal needs."""


def record(
    models: JournalStore,
    clock: Clock,
    model: str,
    *,
    decision: str,
    kind: str,
    evidence: Mapping[str, Any],
    code: str,
) -> None:
    """Append the decision, unless it is already among the newest. Concurrent writers queue up behind each other."""
    while True:
        head = _head(models, model)
        if head is None:
            entry = journal.first(decision, kind, evidence, code=code, at=clock.now())
        elif decision in Entry.decode(head).recent:
            return
        else:
            entry = journal.following(head, decision, kind, evidence, code=code, at=clock.now())
        try:
            models.create(layout.journal_entry(model, entry.number), entry.encode())
        except AlreadyExists:
            continue
        return


def entries(models: ReadableJournal, model: str) -> Iterator[bytes]:
    """The stored entries, oldest first."""
    return (models.get(info.key).data for info in models.list(layout.journal(model)))


def audit(models: ReadableJournal, model: str) -> Audit:
    """Check that the journal is whole."""
    return journal.audit(entries(models, model))


def _head(models: ReadableJournal, model: str) -> bytes | None:
    last = None
    for last in models.list(layout.journal(model)):  # noqa: B007 - the last one is wanted
        pass
    return None if last is None else models.get(last.key).data
