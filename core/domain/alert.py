"""An alert: one thing that is wrong with a model, from being raised to being resolved.

What is known of an alert is its newest transition. Each transition is a whole state under the next number, so that of
many who see the same thing one writes it. Observations are what reports and the journal say: that a thing is wrong, or
that it is right again. An alert remembers up to which of them it has heeded.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Literal, get_args

from .artefact import read_artefact
from .canonical import canonical_json, content_version

FORMAT = 1

Level = Literal["info", "warning", "critical"]
LEVELS: tuple[Level, ...] = get_args(Level)

State = Literal["open", "acknowledged", "resolved"]
Change = Literal["raised", "escalated", "repeated", "acknowledged", "resolved", "sent"]


@dataclass(frozen=True, slots=True)
class Observation:
    """What a report or an entry of the journal says of one thing, at a time.

    `wrong` is False when it is right (again). `evidence` is the key of what says so.
    """

    kind: str
    subject: str
    wrong: bool
    level: Level
    summary: str
    evidence: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Alert:
    """The state of an alert after transition `number`, counted from 1.

    `heeded` is the time of the newest observation that was heeded, `heeded_then` what was heeded of that very time.
    `notices` are the transitions that someone has yet to be told of, `sent` is up to which each destination was told.
    `told` is when the last transition that is told of was written.
    """

    model: str
    kind: str
    subject: str
    number: int
    change: Change
    state: State
    level: Level
    summary: str
    evidence: str
    raised: str
    at: str
    told: str
    heeded: str
    heeded_then: tuple[str, ...] = ()
    by: str | None = None
    notices: tuple[int, ...] = ()
    sent: Mapping[str, int] = field(default_factory=dict)
    format: int = FORMAT

    @property
    def fingerprint(self) -> str:
        """Which alert this is: the same thing wrong with the same model is the same alert, however often it is seen."""
        return fingerprint(self.model, self.kind, self.subject)

    def encode(self) -> bytes:
        """The bytes that are stored."""
        return canonical_json(asdict(self))

    @classmethod
    def decode(cls, data: bytes) -> Alert:
        """Read a stored transition; raises Corrupt if it is none, or of a newer format."""
        return read_artefact(data, "alert", FORMAT, cls._of)

    @classmethod
    def _of(cls, fields: dict[str, Any]) -> Alert:
        return cls(**{**fields, **{name: tuple(fields[name]) for name in ("heeded_then", "notices")}})

    def acknowledged(self, by: str, now: datetime) -> Alert:
        """Somebody knows of it: it is not told again while it gets no worse."""
        return replace(_next(self, "acknowledged", now), state="acknowledged", by=by)

    def resolved_by(self, by: str, now: datetime) -> Alert:
        """Somebody says that it is over: what was seen until now raises it no more."""
        over = replace(_next(self, "resolved", now), heeded=now.isoformat(), heeded_then=(), by=by)
        return replace(over, state="resolved")

    def delivered(self, sent: Mapping[str, int], destinations: Collection[str], now: datetime) -> Alert:
        """The destinations of `sent` were told up to that transition; what all of `destinations` know is done with."""
        known = {**self.sent, **{name: max(number, self.sent.get(name, 0)) for name, number in sent.items()}}
        everyone = min((known.get(name, 0) for name in destinations), default=0)
        left = tuple(number for number in self.notices if number > everyone)
        return replace(self, number=self.number + 1, change="sent", at=now.isoformat(), sent=known, notices=left)

    def pending(self, destination: str) -> tuple[int, ...]:
        """The transitions that a destination has yet to be told of."""
        return tuple(number for number in self.notices if number > self.sent.get(destination, 0))

    def follow(self, observations: Sequence[Observation], now: datetime, repeat: timedelta | None) -> Iterator[Alert]:
        """Every transition that the observations, oldest first, and the time lead to."""
        alert = self
        fresh = [seen for seen in observations if not _heeds(alert, seen)]
        for change in _changes(alert, fresh):
            alert = _noted(alert, change, fresh, now)
            yield alert
        if repeat is not None and alert.state == "open" and now >= datetime.fromisoformat(alert.told) + repeat:
            yield _next(alert, "repeated", now)


def fingerprint(model: str, kind: str, subject: str) -> str:
    """The id of the alert on one thing: 16 hexadecimal digits."""
    return content_version({"model": model, "kind": kind, "subject": subject})


def unraised(model: str, seen: Observation) -> Alert:
    """The state before the first transition of an alert; it is never stored."""
    start = datetime.min.replace(tzinfo=seen.at.tzinfo).isoformat()
    return Alert(model, seen.kind, seen.subject, 0, "resolved", "resolved", "info", "", "", start, start, start, start)


def _changes(alert: Alert, fresh: Sequence[Observation]) -> Iterator[Change]:
    """What fresh observations do to an alert: one raise at most, and one end, whatever they say in between."""
    if not fresh:
        return
    wrong = [seen for seen in fresh if seen.wrong]
    is_open = alert.state != "resolved"
    if wrong and not is_open:
        yield "raised"
    elif wrong and LEVELS.index(wrong[-1].level) > LEVELS.index(alert.level):
        yield "escalated"
    if not fresh[-1].wrong and (wrong or is_open):
        yield "resolved"


def _deciding(fresh: Sequence[Observation], change: Change) -> Observation:
    """The observation that a change is told by."""
    return fresh[-1] if change == "resolved" else [seen for seen in fresh if seen.wrong][-1]


def _heeds(alert: Alert, seen: Observation) -> bool:
    heeded = datetime.fromisoformat(alert.heeded)
    return seen.at < heeded or (seen.at == heeded and seen.evidence in alert.heeded_then)


def _noted(alert: Alert, change: Change, fresh: Sequence[Observation], now: datetime) -> Alert:
    seen = _deciding(fresh, change)
    begun = now.isoformat() if change == "raised" else alert.raised
    newest = max(each.at for each in fresh)
    before = alert.heeded_then if newest == datetime.fromisoformat(alert.heeded) else ()
    then = tuple(sorted({*before, *(each.evidence for each in fresh if each.at == newest)}))
    return replace(
        _next(alert, change, now),
        state="resolved" if change == "resolved" else "open",
        level=alert.level if change == "resolved" else seen.level,
        summary=seen.summary,
        evidence=seen.evidence,
        raised=begun,
        heeded=newest.isoformat(),
        heeded_then=then,
        by=None,
    )


def _next(alert: Alert, change: Change, now: datetime) -> Alert:
    """The transition behind this one; all but an acknowledgement are told of."""
    number, at = alert.number + 1, now.isoformat()
    if change == "acknowledged":
        return replace(alert, number=number, change=change, at=at)
    return replace(alert, number=number, change=change, at=at, told=at, notices=(*alert.notices, number))
