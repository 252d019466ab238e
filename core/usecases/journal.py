"""Append to a model's journal, exactly once for each decision."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from .. import layout
from ..domain import journal
from ..domain.journal import Audit, Entry
from ..errors import AlreadyExists, NotFound
from ..ports import Clock, Creates, Lists, Reads
from .read_once import read_once


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
    """Append the decision, unless it was journalled before. Concurrent writers queue up behind each other."""
    while True:
        head = _head(models, model)
        if head is None:
            entry = journal.first(decision, kind, evidence, code=code, at=clock.now())
        elif decision in _decisions(models, model, Entry.decode(head)):
            return
        else:
            entry = journal.following(head, decision, kind, evidence, code=code, at=clock.now())
        try:
            models.create(layout.journal_entry(model, entry.number), entry.encode())
        except AlreadyExists:
            continue
        return


def _decisions(models: Reads, model: str, head: Entry) -> Iterator[str]:
    """Every decision, the newest first but for their order in one entry: each entry tells of many before it."""
    entry = head
    yield from entry.recent
    while entry.number > journal.REMEMBERED:
        entry = Entry.decode(read_once(models, layout.journal_entry(model, entry.number - journal.REMEMBERED)))
        yield from entry.recent


def entries(models: ReadableJournal, model: str) -> Iterator[bytes]:
    """The stored entries, oldest first."""
    return (models.get(info.key).data for info in models.list(layout.journal(model)))


def newest_entry(models: Reads, key: str) -> bool:
    """Whether the entry of the journal that is stored as `key` is the last one: the event of a later one comes too."""
    following = layout.journal_entry(layout.model_of(key), layout.journal_number(key) + 1)
    try:
        models.head(following)
    except NotFound:
        return True
    return False


def audit(models: ReadableJournal, model: str) -> Audit:
    """Check that the journal is whole."""
    return journal.audit(entries(models, model))


def _head(models: ReadableJournal, model: str) -> bytes | None:
    last = None
    for last in models.list(layout.journal(model)):  # noqa: B007 - the last one is wanted
        pass
    return None if last is None else models.get(last.key).data
