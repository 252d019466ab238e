"""A journal entry and the chain that the entries form."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..errors import Corrupt
from .artefact import read_artefact
from .canonical import canonical_json, sha256

FORMAT = 1
REMEMBERED = 64
"""How many decisions back an entry remembers, so that a repeated decision is recognised from the newest entry alone."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One decision: what was decided (`kind`), on what evidence, by which code.

    `decision` identifies it, so that the same decision is never journalled twice. `previous` is the SHA-256 of the
    entry before, empty for the first. `recent` are the newest decisions, this one last.
    """

    number: int
    previous: str
    at: str
    decision: str
    kind: str
    evidence: Mapping[str, Any]
    code: str
    recent: tuple[str, ...]
    format: int = FORMAT

    def encode(self) -> bytes:
        """The bytes that are stored, and hashed by the next entry."""
        return canonical_json({name: getattr(self, name) for name in self.__slots__})

    @classmethod
    def decode(cls, data: bytes) -> Entry:
        """Read a stored entry; raises Corrupt if it is none, or of a newer format."""
        return read_artefact(
            data, "journal entry", FORMAT, lambda fields: cls(**{**fields, "recent": tuple(fields["recent"])})
        )


def first(decision: str, kind: str, evidence: Mapping[str, Any], *, code: str, at: datetime) -> Entry:
    """The entry that starts a journal."""
    return Entry(1, "", at.isoformat(), decision, kind, evidence, code, (decision,))


def following(head: bytes, decision: str, kind: str, evidence: Mapping[str, Any], *, code: str, at: datetime) -> Entry:
    """The entry behind the one stored as `head`."""
    before = Entry.decode(head)
    recent = (*before.recent, decision)[-REMEMBERED:]
    return Entry(before.number + 1, sha256(head), at.isoformat(), decision, kind, evidence, code, recent)


@dataclass(frozen=True, slots=True)
class Audit:
    """Whether a chain is whole: `first_break` is the number of the first entry that does not fit, or None."""

    entries: int
    first_break: int | None

    @property
    def intact(self) -> bool:
        """True when nothing is missing or altered."""
        return self.first_break is None


def audit(stored: Iterable[bytes]) -> Audit:
    """Follow the chain of entries as stored, oldest first."""
    previous, count, first_break = "", 0, None
    for count, data in enumerate(stored, start=1):
        if first_break is None and not _fits(data, count, previous):
            first_break = count
        previous = sha256(data)
    return Audit(count, first_break)


def _fits(data: bytes, number: int, previous: str) -> bool:
    try:
        entry = Entry.decode(data)
    except Corrupt:
        return False
    return entry.number == number and entry.previous == previous
