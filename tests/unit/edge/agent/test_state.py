"""What a device knows of itself: it goes through nothing but these changes, and notices every flipped bit."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from core.errors import Corrupt
from edge.agent.state import REMEMBERED, STATE, State, Trial, change


def release(number):
    return f"{number:010d}-{number:012x}"


FULL = State(
    active="b",
    fallback="a",
    releases={"a": release(1), "b": release(2)},
    highest=2,
    rollout=7,
    trial=Trial(release(2), 1, 30.5, 12),
    refused={release(3): "it failed"},
    proofs={release(4): 1},
)


@pytest.mark.parametrize("state", [State(), FULL])
def test_round_trip(state):
    assert State.decode(state.encode()) == state


def test_nothing_is_known_at_first(tmp_path):
    assert State.read(tmp_path) == State()
    assert State().release is None
    assert State().previous is None
    assert State().idle == "a"


@given(st.integers(0, len(FULL.encode()) * 8 - 1))
def test_flipped_bit_is_noticed(bit):
    data = bytearray(FULL.encode())
    data[bit // 8] ^= 1 << bit % 8
    with pytest.raises(Corrupt):
        State.decode(bytes(data))


@given(st.integers(0, len(FULL.encode()) - 1))
def test_torn_state_is_noticed(length):
    with pytest.raises(Corrupt):
        State.decode(FULL.encode()[:length])


def test_newer_format():
    with pytest.raises(Corrupt, match="beyond 1: update Tidemill"):
        State.decode(json.dumps({**json.loads(FULL.encode()), "format": 2}).encode())


def test_change_is_kept(tmp_path):
    change(tmp_path, lambda state: state.refusing(release(3), "it failed"))
    assert State.read(tmp_path).refused == {release(3): "it failed"}


def test_no_change_writes_nothing(tmp_path):
    change(tmp_path, lambda state: state)
    assert not (tmp_path / STATE).exists()


def test_of_very_many_refused_the_oldest_is_forgotten():
    state = State()
    for number in range(1, REMEMBERED + 11):
        state = state.refusing(release(number), "it failed")
    assert sorted(state.refused) == [release(number) for number in range(11, REMEMBERED + 11)]


def test_forgiving():
    state = FULL.forgiving(release(3)).forgiving(release(4))
    assert (state.refused, state.proofs) == ({}, {})


def test_proofs_are_counted_of_one_release():
    state = State().proving(release(1)).proving(release(1))
    assert state.proofs == {release(1): 2}
    assert state.proving(release(2)).proofs == {release(2): 1}


def test_left_without_blame():
    state = FULL.left(None)
    assert (state.release, state.previous, state.trial) == (release(1), None, None)
    assert release(2) not in state.refused


class Device(RuleBasedStateMachine):
    """Installs, keeps and leaves releases in any order."""

    def __init__(self):
        super().__init__()
        self.state = State()
        self.number = 0

    @rule(keep=st.booleans())
    def installs(self, keep):
        self.number += 1
        before = self.state.release
        emptied = self.state.emptied(self.state.idle)
        assert emptied.release == before
        assert emptied.fallback is None
        self.state = emptied.swapped(release(self.number), self.number, keep=keep)
        assert self.state.release == release(self.number)
        assert self.state.previous == (before if keep else None)

    @precondition(lambda self: self.state.fallback is not None)
    @rule(reason=st.sampled_from([None, "it failed"]))
    def leaves(self, reason):
        current, previous = self.state.release, self.state.previous
        self.state = self.state.left(reason)
        assert self.state.release == previous
        assert (current in self.state.refused) == (reason is not None)

    @rule()
    def keeps(self):
        self.state = self.state.kept()

    @invariant()
    def is_whole(self):
        assert State.decode(self.state.encode()) == self.state
        assert self.state.active is None or self.state.release is not None
        assert self.state.fallback is None or self.state.fallback != self.state.active
        assert self.state.highest == self.number
        assert self.state.trial is None or self.state.trial.release == self.state.release


TestDevice = Device.TestCase
