"""The life of an alert: raised once, repeated, worse, acknowledged, resolved, and told of each time once."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from core.domain.alert import LEVELS, Alert, Observation, fingerprint, unraised
from core.domain.notice import notice_of
from core.errors import Corrupt

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def seen(hour: float, *, wrong: bool = True, level="warning", evidence: str | None = None) -> Observation:
    at = NOON + timedelta(hours=hour)
    return Observation(
        "drift", "v1", wrong, level, f"{'wrong' if wrong else 'right'} at {hour}", evidence or f"r{hour}", at
    )


def follow(alert: Alert, *observations: Observation, hour: float = 10, repeat: timedelta | None = None) -> list[Alert]:
    return list(alert.follow(observations, NOON + timedelta(hours=hour), repeat))


def start() -> Alert:
    return unraised("m", seen(0))


def raised() -> Alert:
    (alert,) = follow(start(), seen(0))
    return alert


def test_nothing_wrong_raises_nothing():
    assert follow(start(), seen(0, wrong=False), seen(1, wrong=False)) == []


def test_what_is_wrong_is_raised_with_its_evidence():
    alert = raised()
    assert (alert.number, alert.change, alert.state, alert.level) == (1, "raised", "open", "warning")
    assert (alert.summary, alert.evidence, alert.notices) == ("wrong at 0", "r0", (1,))
    assert alert.fingerprint == fingerprint("m", "drift", "v1")


def test_the_same_seen_again_changes_nothing():
    assert follow(raised(), seen(0), seen(1), seen(2)) == []


def test_what_was_wrong_and_is_right_before_anyone_looked_is_told_as_both():
    changes = follow(start(), seen(0), seen(1, wrong=False))
    assert [each.change for each in changes] == ["raised", "resolved"]
    assert changes[-1].notices == (1, 2)


def test_what_is_right_again_resolves_and_the_past_does_not_raise_it_again():
    (over,) = follow(raised(), seen(0), seen(1, wrong=False))
    assert (over.state, over.summary) == ("resolved", "right at 1")
    assert follow(over, seen(0), seen(1, wrong=False)) == []
    assert [each.change for each in follow(over, seen(1, wrong=False), seen(2))] == ["raised"]


def test_two_of_one_moment_are_both_heeded_once():
    (over,) = follow(raised(), seen(1, wrong=False, evidence="a"))
    (again,) = follow(over, seen(1, wrong=False, evidence="a"), seen(1, evidence="b"))
    assert again.change == "raised"
    assert follow(again, seen(1, wrong=False, evidence="a"), seen(1, evidence="b")) == []


def test_what_gets_worse_is_told_even_when_it_was_acknowledged():
    known = raised().acknowledged("anne", NOON)
    assert (known.state, known.by, known.pending("x")) == ("acknowledged", "anne", (1,))
    (worse,) = follow(known, seen(1, level="critical"))
    assert (worse.change, worse.state, worse.level, worse.by) == ("escalated", "open", "critical", None)
    assert follow(worse, seen(2, level="warning")) == []


@pytest.mark.parametrize(("hour", "changes"), [(33, []), (34, ["repeated"]), (99, ["repeated"])])
def test_what_nobody_acknowledged_is_repeated(hour, changes):
    assert [each.change for each in follow(raised(), hour=hour, repeat=DAY)] == changes


def test_what_is_acknowledged_or_resolved_is_not_repeated():
    known = raised().acknowledged("anne", NOON)
    assert follow(known, hour=99, repeat=DAY) == []
    assert follow(known.resolved_by("anne", NOON), hour=99, repeat=DAY) == []


def test_what_a_person_resolved_is_raised_by_what_is_seen_after_alone():
    over = raised().resolved_by("anne", NOON + timedelta(hours=5))
    assert (over.change, over.state, over.by) == ("resolved", "resolved", "anne")
    assert follow(over, seen(0), seen(4)) == []
    assert [each.change for each in follow(over, seen(6))] == ["raised"]


def test_each_destination_is_told_what_it_does_not_know():
    alert = raised()
    one = alert.delivered({"a": 1}, ["a", "b"], NOON)
    assert (one.number, one.change, one.pending("a"), one.pending("b")) == (2, "sent", (), (1,))
    both = one.delivered({"b": 1}, ["a", "b"], NOON)
    assert both.notices == ()
    assert both.sent == {"a": 1, "b": 1}


def test_it_is_stored_and_read_back():
    alert = raised().delivered({"a": 1}, ["a", "b"], NOON)
    assert Alert.decode(alert.encode()) == alert
    with pytest.raises(Corrupt, match="update Tidemill"):
        Alert.decode(alert.encode().replace(b'"format":1', b'"format":2'))


def test_a_notice_is_a_cloud_event():
    told = notice_of(raised()).to_json()
    assert told == {
        "specversion": "1.0",
        "id": f"{fingerprint('m', 'drift', 'v1')}-1",
        "source": "/tidemill/models/m",
        "type": "tidemill.alert.raised.v1",
        "subject": "drift/v1",
        "time": "2026-05-01T22:00:00+00:00",
        "datacontenttype": "application/json",
        "data": {
            "model": "m",
            "kind": "drift",
            "subject": "v1",
            "state": "open",
            "change": "raised",
            "severity": "warning",
            "summary": "wrong at 0",
            "evidence": "r0",
            "fingerprint": fingerprint("m", "drift", "v1"),
            "raised": "2026-05-01T22:00:00+00:00",
        },
    }


class Life(RuleBasedStateMachine):
    """Whatever happens, in whatever order it is looked at: nothing wrong is missed, nothing is told twice."""

    def __init__(self):
        super().__init__()
        self.alert = start()
        self.hour = 0
        self.past: list[Observation] = []
        self.unlooked: list[Observation] = []
        self.told: list[int] = []

    def write(self, alert: Alert) -> None:
        assert alert.number == self.alert.number + 1
        self.alert = Alert.decode(alert.encode())

    @rule(wrong=st.booleans(), level=st.sampled_from(LEVELS), moments=st.integers(0, 2))
    def something_is_seen(self, wrong, level, moments):
        self.hour += moments
        self.unlooked.append(
            seen(self.hour, wrong=wrong, level=level, evidence=f"r{len(self.past) + len(self.unlooked)}")
        )

    @rule(repeat=st.none() | st.just(timedelta(hours=3)))
    def it_is_looked_at(self, repeat):
        self.hour += 1
        was_open = self.alert.state != "resolved"
        fresh, self.unlooked = self.unlooked, []
        self.past += fresh
        changes = follow(self.alert, *self.past, hour=self.hour, repeat=repeat)
        for each in changes:
            self.write(each)
        names = [each.change for each in changes]
        if any(each.wrong for each in fresh) and not was_open:
            assert names[0] == "raised"
        if fresh:
            assert (self.alert.state == "resolved") == (not fresh[-1].wrong)
        assert follow(self.alert, *self.past, hour=self.hour) == []

    @precondition(lambda self: self.alert.state == "open")
    @rule()
    def it_is_acknowledged(self):
        self.write(self.alert.acknowledged("anne", NOON + timedelta(hours=self.hour)))

    @precondition(lambda self: self.alert.notices)
    @rule(destinations=st.sampled_from([["a"], ["b"], ["a", "b"]]))
    def some_are_told(self, destinations):
        sent = {name: self.alert.pending(name)[-1] for name in destinations if self.alert.pending(name)}
        for name in sent:
            self.told += [(name, number) for number in self.alert.pending(name)]
        self.write(self.alert.delivered(sent, ["a", "b"], NOON))

    @invariant()
    def nobody_is_told_twice(self):
        assert len(self.told) == len(set(self.told))

    @invariant()
    def what_is_left_is_what_somebody_does_not_know(self):
        if self.alert.notices:
            assert self.alert.pending("a") or self.alert.pending("b")


Life.TestCase.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
TestLife = Life.TestCase
