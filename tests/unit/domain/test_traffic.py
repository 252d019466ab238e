"""Who answers: the share that was asked for, always the same ones, on every machine."""

from hypothesis import given
from hypothesis import strategies as st

from core.domain.route import Route
from core.domain.traffic import gets_challenger, point

KEYS = [f"customer-{number}" for number in range(20_000)]
modes = st.sampled_from(["canary", "ab"])
versions = st.text("0123456789abcdef", min_size=16, max_size=16)


def route(share=0.5, challenger="b", mode="canary"):
    return Route("penguins", "a", challenger, mode, share)


def test_points_are_the_same_on_every_machine():
    """Golden values: whoever had the challenger before an update must have it after."""
    points = {"": 0.122276, "customer-7": 0.714701, "Zoë": 0.333803, "\ud800": 0.448027}
    assert {key: round(point("penguins/b", key), 6) for key in points} == points
    assert [gets_challenger(route(), str(key)) for key in range(12)] == [
        *(False, False, True, True, True, False, True, False, True, True, False, True)
    ]


@given(st.text(), st.text())
def test_a_point_lies_between_0_and_1(salt, key):
    assert 0 <= point(salt, key) < 1


@given(versions, st.floats(0.01, 0.99), modes)
def test_the_challenger_gets_its_share(challenger, share, mode):
    """Within five standard deviations of a fair draw: a wrong alarm in 1.7 million."""
    given_to = sum(gets_challenger(route(share, challenger, mode), key) for key in KEYS)
    assert abs(given_to - share * len(KEYS)) <= 5 * (share * (1 - share) * len(KEYS)) ** 0.5


@given(versions, st.floats(0.001, 0.999), st.floats(0.001, 0.999), st.text(), modes, modes)
def test_who_had_the_challenger_keeps_it_when_the_share_grows(challenger, one, other, key, before, after):
    smaller, larger = sorted([one, other])
    if gets_challenger(route(smaller, challenger, before), key):
        assert gets_challenger(route(larger, challenger, after), key)


def test_another_challenger_is_given_to_others():
    """Independent draws of a half agree on half of the keys."""
    agree = sum(
        gets_challenger(route(challenger="b"), key) == gets_challenger(route(challenger="c"), key) for key in KEYS
    )
    assert abs(agree / len(KEYS) - 0.5) < 0.02


@given(st.text())
def test_direct_and_shadow_are_answered_by_the_champion_alone(key):
    assert not gets_challenger(Route("m", "a"), key)
    assert not gets_challenger(route(0.999, mode="shadow"), key)
