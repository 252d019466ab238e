"""What is looked at before a model is loaded."""

import pytest

from core.errors import Refused
from edge.agent import files, journal, slots
from edge.agent.boot import mend, settle
from edge.agent.going_back import leave
from edge.agent.state import STATE, State, change
from edge.agent.update import Updater
from edge.rollout import Stage
from tests.edge.releases import FakeClock, Zone, make, new_device

FIRST, SECOND = make(1), make(2, 3.0)
CLOCK = FakeClock()


def pass_all(_folder):
    pass


@pytest.fixture
def root(tmp_path):
    return tmp_path / "device"


@pytest.fixture
def device(root):
    """On its second release, which is on trial."""
    device = new_device(root)
    zone = Zone()
    for made in (FIRST, SECOND):
        zone.add(made)
        zone.roll_out(Stage(made.id, 100))
        change(root, lambda state: state.kept())
        Updater(root, device, CLOCK, pass_all).update(zone)
    return device


def damage(root, slot, name="model.onnx"):
    path = slots.folder(root, slot) / name
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def test_start_is_counted_while_on_trial(root, device):
    assert settle(root, device, CLOCK).trial.starts == 1
    assert settle(root, device, CLOCK).trial.starts == 2


def test_start_is_not_counted_otherwise(root, device):
    change(root, lambda state: state.kept())
    before = (root / STATE).read_bytes()
    settle(root, device, CLOCK)
    assert (root / STATE).read_bytes() == before


def test_process_that_ends_again_and_again(root, device):
    for _ in range(device.trial_starts):
        assert settle(root, device, CLOCK).release == SECOND.id
    state = settle(root, device, CLOCK)
    assert (state.release, state.trial) == (FIRST.id, None)
    assert "did not stay well" in state.refused[SECOND.id]


def test_first_release_goes_on_however_often_it_starts(root, device):
    change(root, lambda state: state.emptied("a"))
    for _ in range(10):
        assert settle(root, device, CLOCK).release == SECOND.id


@pytest.mark.parametrize("name", ["model.onnx", "manifest.json", "golden.json"])
def test_flipped_bit_in_the_active_slot(root, device, name):
    """The release before answers, and the damaged one is no worse for it: it comes again."""
    damage(root, "b", name)
    state = settle(root, device, CLOCK)
    assert (state.release, state.trial, state.refused) == (FIRST.id, None, {})
    assert journal.recent(root)[-1]["event"] == "repaired"


def test_file_that_is_gone_or_too_many(root, device):
    (slots.folder(root, "b") / "profile.json").rename(slots.folder(root, "b") / "strange")
    assert settle(root, device, CLOCK).release == FIRST.id


def test_both_slots_damaged(root, device):
    damage(root, "a")
    damage(root, "b")
    state = settle(root, device, CLOCK)
    assert (state.active, state.fallback, state.releases) == (None, None, {})
    assert state.highest == 2


def test_damaged_release_comes_again(root, device):
    zone = Zone()
    zone.add(SECOND)
    zone.rollouts = 2
    zone.roll_out(Stage(SECOND.id, 100))
    damage(root, "a")
    damage(root, "b")
    settle(root, device, CLOCK)
    assert Updater(root, device, CLOCK, pass_all).update(zone).did == "installed"
    assert settle(root, device, CLOCK).release == SECOND.id


@pytest.mark.parametrize("data", [b"", b"{}", b"\0" * 300, b"not json", None])
def test_damaged_state_is_made_anew(root, device, data):
    whole = (root / STATE).read_bytes()
    (root / STATE).write_bytes(whole[:-20] if data is None else data)
    state = settle(root, device, CLOCK)
    assert (state.release, state.previous, state.highest, state.rollout) == (SECOND.id, FIRST.id, 2, 2)
    assert state.trial.release == SECOND.id


def test_state_that_is_gone_is_made_anew(root, device):
    (root / STATE).unlink()
    state = settle(root, device, CLOCK)
    assert (state.release, state.previous, state.rollout) == (SECOND.id, FIRST.id, 2)


def test_no_older_rollout_counts_again_when_the_state_was_lost(root, device):
    zone = Zone()
    zone.add(FIRST)
    zone.roll_out(Stage(FIRST.id, 100), withdrawn=[SECOND.id])
    (root / STATE).unlink()
    assert Updater(root, device, CLOCK, pass_all).update(zone).did == "stayed"
    assert State.read(root).release == SECOND.id


def test_damaged_state_and_slot(root, device):
    (root / STATE).write_bytes(b"")
    damage(root, "b")
    state = settle(root, device, CLOCK)
    assert (state.release, state.previous, state.trial) == (FIRST.id, None, None)


def test_damaged_state_and_nothing_whole(root, device):
    (root / STATE).write_bytes(b"")
    damage(root, "a")
    damage(root, "b")
    assert settle(root, device, CLOCK) == State(rollout=2)


def test_whole_state_is_left_alone(root, device):
    before = (root / STATE).stat()
    mend(root, CLOCK)
    assert (root / STATE).stat().st_ino == before.st_ino


def test_full_disk_keeps_nobody_from_starting(root, device, monkeypatch):
    def replace_nothing(_path, _data):
        raise files.NoRoom("the disk is full.")

    monkeypatch.setattr(files, "replace", replace_nothing)
    assert settle(root, device, CLOCK).release == SECOND.id


def test_new_device_starts(tmp_path):
    device = new_device(tmp_path / "new")
    assert settle(tmp_path / "new", device, CLOCK) == State()


def test_leave_what_does_not_answer_any_more_changes_nothing(root, device):
    before = State.read(root)
    assert leave(root, CLOCK, FIRST.id, "late", refuse=True) == before


def test_leave_for_nothing(root, device):
    change(root, lambda state: state.emptied("a"))
    with pytest.raises(Refused, match="no release to go back to"):
        leave(root, CLOCK, SECOND.id, "it failed", refuse=True)


def test_two_who_leave_at_once(root, device):
    leave(root, CLOCK, SECOND.id, "it failed", refuse=True)
    state = leave(root, CLOCK, SECOND.id, "it failed", refuse=True)
    assert state == State.read(root)
    assert state.release == FIRST.id
