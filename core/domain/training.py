"""Whether to train: the facts, the rules, and the answer with its reason. And the claim that a training takes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from .artefact import read_artefact
from .canonical import canonical_json, content_version
from .duration import format_duration, parse_duration

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Budget:
    """At most so many trainings that started by themselves in any span of that length."""

    trainings: int
    span: timedelta

    def __str__(self) -> str:
        """As in a spec.

        >>> str(parse_budget("4 per 7d"))
        '4 per 7d'
        """
        return f"{self.trainings} per {format_duration(self.span)}"

    def spent_until(self, started: tuple[datetime, ...], now: datetime) -> datetime | None:
        """When another training may start, or None if one may now; `started` are the trainings before, in any order."""
        recent = sorted(each for each in started if now - each < self.span)
        return None if len(recent) < self.trainings else recent[-self.trainings] + self.span


def parse_budget(text: object) -> Budget:
    """A budget such as `4 per 7d`; raises ValueError for anything else."""
    if isinstance(text, Budget):
        return text
    found = re.fullmatch(r"([1-9]\d*) per (\w+)", str(text).strip())
    if not found:
        raise ValueError("must be a number of trainings per duration; write it like 4 per 7d")
    span = parse_duration(found[2])
    if not span:
        raise ValueError("must be per a duration longer than 0s; write it like 4 per 7d")
    return Budget(int(found[1]), span)


@dataclass(frozen=True, slots=True)
class Rules:
    """When to train by itself: `train_when` of the spec. None and False switch a rule off."""

    rows: int | None
    drift: bool
    performance: bool
    every: timedelta | None
    cooldown: timedelta
    budget: Budget | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known when the question is asked. `drifted` and `degraded` name the report that no training heeded yet.

    `new_rows` are valid and were in no training; `last` is when the last training was started, `by_itself` when each
    was that nobody asked for by hand.
    """

    now: datetime
    new_rows: int
    last: datetime | None = None
    by_itself: tuple[datetime, ...] = ()
    drifted: str | None = None
    degraded: str | None = None
    by_hand: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether to train, and why or why not, as a sentence for the journal.

    `exhausted` says that the budget alone stands against it.
    """

    train: bool
    reason: str
    exhausted: bool = False


def decide(facts: Facts, rules: Rules) -> Answer:
    """Apply the rules. By hand always trains; anything else waits for the cooldown to pass, and for the budget.

    >>> from datetime import timezone
    >>> rules = Rules(rows=1000, drift=True, performance=True, every=None, cooldown=timedelta(hours=1))
    >>> decide(Facts(now=datetime(2026, 1, 1, tzinfo=timezone.utc), new_rows=10), rules).reason
    '10 of 1,000 new rows'
    """
    if facts.by_hand:
        return Answer(train=True, reason="asked for by hand")
    reasons = _reasons(facts, rules)
    if not reasons:
        return Answer(train=False, reason=_shortfall(facts, rules))
    if facts.last is not None and facts.now < facts.last + rules.cooldown:
        until = (facts.last + rules.cooldown).isoformat(timespec="seconds")
        return Answer(train=False, reason=f"cooling down until {until}, then: {'; '.join(reasons)}")
    spent = rules.budget and rules.budget.spent_until(facts.by_itself, facts.now)
    if spent:
        until = spent.isoformat(timespec="seconds")
        reason = f"the budget of {rules.budget} is spent until {until}, then: {'; '.join(reasons)}"
        return Answer(train=False, reason=reason, exhausted=True)
    return Answer(train=True, reason="; ".join(reasons))


def _reasons(facts: Facts, rules: Rules) -> list[str]:
    reasons = []
    if rules.rows is not None and facts.new_rows >= rules.rows:
        reasons.append(f"{facts.new_rows:,} new rows ({rules.rows:,} asked for)")
    if rules.drift and facts.drifted:
        reasons.append(f"drift found by {facts.drifted}")
    if rules.performance and facts.degraded:
        reasons.append(f"lost performance found by {facts.degraded}")
    if rules.every is not None and facts.new_rows and (facts.last is None or facts.now >= facts.last + rules.every):
        reasons.append(f"the schedule of every {format_duration(rules.every)}")
    return reasons


def _shortfall(facts: Facts, rules: Rules) -> str:
    if rules.rows is None:
        return "no rule asks for it"
    return f"{facts.new_rows:,} of {rules.rows:,} new rows"


@dataclass(frozen=True, slots=True)
class Claim:
    """One training: all that it learns from, who asked, and until when its job is believed to be alive.

    `training` is a hash of `datasets`, the learning part of `spec` and the code. `datasets` are in order of arrival,
    which is no part of that hash. `cause` is the event that asked, `heeded` are the drift reports that it answers.
    `attempt` counts the jobs that were started for it.
    """

    model: str
    training: str
    datasets: tuple[str, ...]
    spec: Mapping[str, Any]
    cause: str
    reason: str
    heeded: tuple[str, ...]
    taken: str
    until: str
    attempt: int = 1
    format: int = FORMAT

    @property
    def job(self) -> str:
        """The unique name of its job."""
        return f"{self.model}-{self.training}-{self.attempt}"

    def encode(self) -> bytes:
        """The bytes that are stored."""
        return canonical_json(asdict(self))

    @classmethod
    def decode(cls, data: bytes) -> Claim:
        """Read a stored claim; raises Corrupt if it is none, or of a newer format."""
        return read_artefact(data, "training claim", FORMAT, cls._of)

    @classmethod
    def _of(cls, fields: dict[str, Any]) -> Claim:
        lists = {name: tuple(fields[name]) for name in ("datasets", "heeded")}
        return cls(**{**fields, **lists})


def training_id(datasets: tuple[str, ...], learning: Mapping[str, Any], code: str) -> str:
    """Which training this is: the same data, spec and code are the same training."""
    return content_version({"datasets": sorted(datasets), "spec": learning, "code": code})
