"""When to train, and why."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.training import Budget, Claim, Facts, Rules, decide, parse_budget, training_id
from core.errors import Corrupt

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
RULES = Rules(rows=1000, drift=True, performance=True, every=timedelta(days=7), cooldown=timedelta(hours=1))


def facts(**given_facts):
    return Facts(**{"now": NOW, "new_rows": 0, "last": NOW - timedelta(days=1), **given_facts})


@pytest.mark.parametrize(
    ("known", "train", "reason"),
    [
        (facts(new_rows=999), False, "999 of 1,000 new rows"),
        (facts(new_rows=1000), True, "1,000 new rows (1,000 asked for)"),
        (facts(drifted="m/drift/a.json"), True, "drift found by m/drift/a.json"),
        (facts(degraded="m/drift/a.json"), True, "lost performance found by m/drift/a.json"),
        (facts(new_rows=5, last=NOW - timedelta(days=8)), True, "the schedule of every 7d"),
        (facts(new_rows=0, last=NOW - timedelta(days=8)), False, "0 of 1,000 new rows"),
        (facts(by_hand=True), True, "asked for by hand"),
        (facts(by_hand=True, last=NOW), True, "asked for by hand"),
    ],
)
def test_each_rule_says_why(known, train, reason):
    answer = decide(known, RULES)
    assert (answer.train, answer.reason) == (train, reason)


def test_a_cooldown_puts_off_what_is_asked_for_and_says_until_when():
    answer = decide(facts(new_rows=5000, last=NOW - timedelta(minutes=10)), RULES)
    assert not answer.train
    assert answer.reason == "cooling down until 2026-03-01T12:50:00+00:00, then: 5,000 new rows (1,000 asked for)"


def test_rules_that_are_off_never_fire():
    off = Rules(rows=None, drift=False, performance=False, every=None, cooldown=timedelta())
    answer = decide(facts(new_rows=10**9, drifted="a", degraded="b"), off)
    assert (answer.train, answer.reason) == (False, "no rule asks for it")


@given(st.lists(st.text(), unique=True), st.randoms())
def test_a_training_is_known_by_its_data_whatever_their_order(datasets, random):
    shuffled = list(datasets)
    random.shuffle(shuffled)
    assert training_id(tuple(datasets), {"a": 1}, "c") == training_id(tuple(shuffled), {"a": 1}, "c")


def test_a_claim_survives_its_encoding_and_a_newer_one_is_refused():
    claim = Claim("m", "t", ("d1", "d2"), {"model": "m"}, "cause", "why", ("r",), "2026-01-01", "2026-01-02")
    assert Claim.decode(claim.encode()) == claim
    with pytest.raises(Corrupt, match="format 99"):
        Claim.decode(claim.encode().replace(b'"format":1', b'"format":99'))
    with pytest.raises(Corrupt, match="cannot be read"):
        Claim.decode(b"[]")


# budget


@pytest.mark.parametrize("text", ["4 per 7d", "1 per 90s", "12 per 1h"])
def test_a_budget_is_written_as_it_is_read(text):
    assert str(parse_budget(text)) == text
    assert parse_budget(parse_budget(text)) == parse_budget(text)


@pytest.mark.parametrize("text", ["", "4", "0 per 7d", "-1 per 7d", "4 per week", "4 per 0s", "x per 7d", 4])
def test_what_is_no_budget_is_refused(text):
    with pytest.raises(ValueError, match=r"write it like 4 per 7d|whole number with a unit"):
        parse_budget(text)


@given(st.lists(st.integers(0, 10_000), max_size=30), st.integers(1, 5), st.integers(1, 5_000))
def test_no_span_ever_has_more_trainings_than_the_budget(asked, trainings, minutes):
    """Ask at these minutes; each that the budget allows starts at once."""
    budget, started = Budget(trainings, timedelta(minutes=minutes)), []
    for minute in sorted(asked):
        now = NOW + timedelta(minutes=minute)
        until = budget.spent_until(tuple(started), now)
        recent = [each for each in started if now - each < budget.span]
        assert (until is None) == (len(recent) < trainings)
        if until is None:
            started.append(now)
        else:
            assert until > now
            assert budget.spent_until(tuple(started), until) is None
    for each in started:
        assert sum(each <= other < each + budget.span for other in started) <= trainings


def test_a_spent_budget_puts_off_and_says_so_and_by_hand_is_heeded():
    rules = Rules(
        1000, drift=True, performance=True, every=None, cooldown=timedelta(), budget=Budget(1, timedelta(days=7))
    )
    known = facts(new_rows=5000, by_itself=(NOW - timedelta(days=1),))
    answer = decide(known, rules)
    assert (answer.train, answer.exhausted) == (False, True)
    assert answer.reason.startswith("the budget of 1 per 7d is spent until 2026-03-07")
    assert decide(facts(new_rows=1, by_itself=known.by_itself), rules).exhausted is False
    assert decide(facts(by_hand=True, by_itself=known.by_itself), rules).train
