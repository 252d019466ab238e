"""When to train, and why."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.training import Claim, Facts, Rules, decide, training_id
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
