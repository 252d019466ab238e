"""Tell people of what is wrong with a model, once, and when it is right again.

What is wrong is decided from what is stored, never from the event, which only wakes this. A transition of an alert is
written before anybody is told of it, and that it was told after: who dies in between tells it again, by the same id.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from .. import layout
from ..domain.alert import Alert, Observation, unraised
from ..domain.notice import notice_of
from ..errors import AlreadyExists, NotFound, TidemillError
from ..ports import Clock, Creates, Publishes, ReadsLists, ReadsListsCreates
from ..spec import ModelSpec
from .observe import no_more, observe
from .promote import current_route
from .read_once import read_once

OF_A_VERSION = frozenset({"drift", "performance"})
"""Kinds of alerts that are over when another version serves."""


@dataclass(frozen=True, slots=True)
class Told:
    """What came of it: the alerts that are not resolved, and how many notices were delivered."""

    unresolved: tuple[Alert, ...]
    delivered: int


def alert(
    models: ReadsLists,
    reports: ReadsListsCreates,
    *,
    spec: ModelSpec,
    publishers: Mapping[str, Publishes],
    clock: Clock,
) -> Told:
    """Raise, repeat and resolve what is to be, and tell every one of `publishers` of it.

    Raises the first error of a publisher once everybody else was told: what was not delivered is tried again.
    """
    now = clock.now()
    known = read_alerts(reports, spec.model)
    for seen in _by_thing(_observations(models, reports, spec, known, now)):
        _follow(reports, spec, seen, now)
    for state in read_alerts(reports, spec.model):  # those that nothing was seen of are repeated
        _follow_time(reports, spec, state, now)
    outcomes = [_deliver(reports, state, publishers, now) for state in read_alerts(reports, spec.model)]
    failures = [error for _, errors in outcomes for error in errors]
    if failures:
        raise failures[0]
    unresolved = tuple(state for state in read_alerts(reports, spec.model) if state.state != "resolved")
    return Told(unresolved, sum(count for count, _ in outcomes))


def read_alerts(reports: ReadsLists, model: str) -> list[Alert]:
    """The newest state of each alert of a model, in the order in which they were raised last."""
    newest = {layout.fingerprint_of(info.key): info.key for info in reports.list(layout.alerts(model))}
    states = [Alert.decode(read_once(reports, key)) for key in newest.values()]
    return sorted(states, key=lambda state: (state.raised, state.fingerprint))


def acknowledge(reports: ReadsListsCreates, clock: Clock, model: str, fingerprint: str, *, by: str) -> Alert:
    """Somebody knows of an alert, which is not repeated then; raises NotFound."""
    while True:
        state = _one(reports, model, fingerprint)
        if state.state != "open":
            return state
        if _written(reports, found := state.acknowledged(by, clock.now())):
            return found


def resolve(reports: ReadsListsCreates, clock: Clock, model: str, fingerprint: str, *, by: str) -> Alert:
    """Somebody says that an alert is over; raises NotFound."""
    while True:
        state = _one(reports, model, fingerprint)
        if state.state == "resolved":
            return state
        if _written(reports, found := state.resolved_by(by, clock.now())):
            return found


def _one(reports: ReadsLists, model: str, fingerprint: str) -> Alert:
    """By its fingerprint, or by the beginning of it if no other begins so."""
    found = [state for state in read_alerts(reports, model) if state.fingerprint.startswith(fingerprint)]
    if len(found) != 1 or not fingerprint:
        raise NotFound(
            f"model {model} has {len(found) or 'no'} alerts {fingerprint}…; `tidemill alerts list {model}` lists them."
        )
    return found[0]


def _observations(
    models: ReadsLists, reports: ReadsLists, spec: ModelSpec, known: Iterable[Alert], now: datetime
) -> Iterator[Observation]:
    yield from observe(models, reports, spec, now)
    route = current_route(models, spec.model)
    for state in known:
        gone = route is not None and state.kind in OF_A_VERSION and state.subject != route.champion
        if gone and state.state != "resolved":
            yield no_more(state.kind, state.subject, now)


def _by_thing(observations: Iterable[Observation]) -> Iterator[Sequence[Observation]]:
    things: dict[tuple[str, str], list[Observation]] = {}
    for seen in observations:
        things.setdefault((seen.kind, seen.subject), []).append(seen)
    for of_one in things.values():
        yield sorted(of_one, key=lambda seen: seen.at)


def _follow(reports: ReadsListsCreates, spec: ModelSpec, seen: Sequence[Observation], now: datetime) -> None:
    """Write what observations of one thing lead to; whoever else does may write first."""
    while True:
        state = _newest(reports, unraised(spec.model, seen[0]))
        if all(_written(reports, each) for each in state.follow(seen, now, None)):
            return


def _follow_time(reports: ReadsListsCreates, spec: ModelSpec, state: Alert, now: datetime) -> None:
    """Write that an alert is to be told again; where someone else has changed it, it was told just now."""
    for each in state.follow((), now, spec.alerts.repeat):
        _written(reports, each)


def _newest(reports: ReadsLists, before: Alert) -> Alert:
    """The newest state of an alert, or `before` if it was never raised."""
    key = None
    for info in reports.list(f"{layout.alerts(before.model)}{before.fingerprint}/"):
        key = info.key
    return before if key is None else Alert.decode(read_once(reports, key))


def _written(reports: Creates, state: Alert) -> bool:
    """Whether this transition was written now; another process may have written one of its number."""
    try:
        reports.create(layout.alert(state.model, state.fingerprint, state.number), state.encode())
    except AlreadyExists:
        return False
    return True


def _deliver(
    reports: ReadsListsCreates, state: Alert, publishers: Mapping[str, Publishes], now: datetime
) -> tuple[int, list[TidemillError]]:
    """Tell each destination of what it has not been told, in order; how many notices, and what went wrong."""
    sent: dict[str, int] = {}
    failures: list[TidemillError] = []
    count = 0
    for destination, publisher in publishers.items():
        try:
            for number in state.pending(destination):
                publisher.publish(notice_of(_transition(reports, state, number)))
                sent[destination], count = number, count + 1
        except TidemillError as error:
            failures.append(error)
    if sent:
        _note_sent(reports, state, sent, publishers, now)
    return count, failures


def _transition(reports: ReadsLists, state: Alert, number: int) -> Alert:
    return Alert.decode(read_once(reports, layout.alert(state.model, state.fingerprint, number)))


def _note_sent(
    reports: ReadsListsCreates,
    state: Alert,
    sent: Mapping[str, int],
    publishers: Mapping[str, Publishes],
    now: datetime,
) -> None:
    """Write who was told, on top of whatever has been written meanwhile."""
    while not _written(reports, _newest(reports, state).delivered(sent, publishers.keys(), now)):
        pass
