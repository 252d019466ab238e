"""The route: every change by one decision, each earlier champion to be had again."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from core.domain.route import FORMAT, REMEMBERED, Change, Route
from core.errors import Corrupt, Refused

versions = st.sampled_from(["a", "b", "c"])
challenges = st.sampled_from(["canary", "shadow", "ab"])
changes = st.builds(Change, st.text(), versions, st.none() | versions, st.integers(1, 10**9))
routes = st.builds(
    Route,
    st.text(),
    versions,
    st.none() | versions,
    st.sampled_from(["direct", "canary", "shadow", "ab"]),
    st.floats(0, 1),
    st.lists(versions, max_size=4).map(tuple),
    st.integers(1, 10**9),
    st.lists(changes, max_size=4).map(tuple),
)
FIRST = Route.first("m", "a", "d1")


@given(routes)
def test_a_route_reads_as_it_was_written(route):
    assert Route.decode(route.encode()) == route


def test_a_first_route_serves_its_version_to_all():
    assert (FIRST.champion, FIRST.challenger, FIRST.mode, FIRST.revision) == ("a", None, "direct", 1)
    assert FIRST.made_by("d1") == Change("d1", "a", None, 1)
    assert FIRST.made_by("other") is None


def test_a_promotion_can_be_rolled_back_and_forward():
    route = FIRST.promoted("b", "d2").promoted("c", "d3")
    assert (route.champion, route.earlier) == ("c", ("b", "a"))
    back = route.rolled_back("d4")
    assert (back.champion, back.earlier) == ("b", ("a",))
    assert back.promoted("c", "d5").earlier == ("b", "a")
    assert back.promoted("c", "d5").revision == 5


def test_promoting_the_champion_ends_a_challenge_and_adds_nothing_to_roll_back_to():
    route = FIRST.challenged("b", "canary", 0.1, "d2")
    assert (route.challenger, route.mode, route.share) == ("b", "canary", 0.1)
    assert route.champion == "a"
    won = route.promoted("a", "d3")
    assert (won.challenger, won.mode, won.share, won.earlier) == (None, "direct", 0.0, ())
    assert won.made_by("d3") == Change("d3", "a", None, 3)


def test_a_challenger_that_wins_is_promoted():
    won = FIRST.challenged("b", "ab", 0.5, "d2").promoted("b", "d3")
    assert (won.champion, won.challenger, won.earlier) == ("b", None, ("a",))
    assert won.made_by("d2") == Change("d2", "a", "b", 2)


@pytest.mark.parametrize(
    ("version", "mode", "share"),
    [("a", "canary", 0.1), ("b", "direct", 0.1), ("b", "canary", 0), ("b", "ab", 1), ("b", "shadow", float("nan"))],
)
def test_a_challenge_that_cannot_be_is_refused(version, mode, share):
    with pytest.raises(Refused):
        FIRST.challenged(version, mode, share, "d2")


def test_there_must_be_something_to_roll_back_to():
    with pytest.raises(Refused, match="no earlier version"):
        FIRST.rolled_back("d2")


@pytest.mark.parametrize("data", [b"", b"[]", b"null", b"{", b'{"format": "1"}', b'{"format": 1}', b"\xff"])
def test_what_is_no_route_is_corrupt(data):
    with pytest.raises(Corrupt, match="cannot be read"):
        Route.decode(data)


def test_a_newer_format_is_refused_with_its_mend():
    newer = json.loads(FIRST.encode()) | {"format": FORMAT + 1, "colour": "red"}
    with pytest.raises(Corrupt, match="update Tidemill"):
        Route.decode(json.dumps(newer).encode())


class Routes(RuleBasedStateMachine):
    """Any order of changes, against a plain stack of champions."""

    def __init__(self):
        super().__init__()
        self.route = Route.first("m", "a", "0")
        self.champions = ["a"]
        self.decided = 0

    def decision(self):
        self.decided += 1
        return str(self.decided)

    @rule(version=versions)
    def promote(self, version):
        self.route = self.route.promoted(version, self.decision())
        if version != self.champions[-1]:
            self.champions.append(version)
        assert self.route.challenger is None

    @precondition(lambda self: len(self.champions) > 1)
    @rule()
    def roll_back(self):
        self.route = self.route.rolled_back(self.decision())
        self.champions.pop()

    @rule(version=versions, mode=challenges, share=st.floats(0.01, 0.99))
    def challenge(self, version, mode, share):
        if version == self.champions[-1]:
            return
        self.route = self.route.challenged(version, mode, share, self.decision())
        assert (self.route.challenger, self.route.mode, self.route.share) == (version, mode, share)

    @invariant()
    def the_champions_are_those_of_the_stack(self):
        assert self.route.champion == self.champions[-1]
        assert list(self.route.earlier) == self.champions[-2::-1][:REMEMBERED]

    @invariant()
    def every_decision_counts_once(self):
        assert self.route.revision == self.decided + 1
        assert len(self.route.changes) == min(self.route.revision, REMEMBERED)
        newest = self.route.changes[-1]
        assert (newest.decision, newest.revision) == (str(self.decided), self.route.revision)
        assert (newest.champion, newest.challenger) == (self.route.champion, self.route.challenger)

    @invariant()
    def a_challenger_never_challenges_itself(self):
        assert self.route.challenger != self.route.champion
        assert (self.route.challenger is None) == (self.route.mode == "direct") == (self.route.share == 0)


TestRoutes = Routes.TestCase
