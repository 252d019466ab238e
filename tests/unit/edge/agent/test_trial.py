"""A release on trial: when it is kept, and what makes a device leave it."""

import pytest

from edge.agent import journal
from edge.agent.config import Device
from edge.agent.state import State, change
from edge.agent.trial import SWITCHING, TrialWatch, complaint
from edge.agent.update import Updater
from edge.rollout import Stage
from edge.telemetry.health import Health
from tests.edge.releases import FakeClock, Zone, make, new_device

FIRST, SECOND = make(1), make(2, 3.0)
DEVICE = Device("pump-1", "pumps", trial_latency_ms=10.0)
WELL = Health(SECOND.id, 100, 0, 1.0, 2.0, 50.0, 60.0, 0, {"load": 0.0}, {"prediction": 0.0}, ())


@pytest.fixture
def root(tmp_path):
    """On its second release, which is on trial."""
    root, zone = tmp_path / "device", Zone()
    device = new_device(root)
    for made in (FIRST, SECOND):
        zone.add(made)
        zone.roll_out(Stage(made.id, 100))
        change(root, lambda state: state.kept())
        Updater(root, device, FakeClock(), prove=lambda _folder: None).update(zone)
    return root


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def watch(root, clock):
    return TrialWatch(root, DEVICE, clock)


def looks(watch, clock, health, seconds, failed=()):
    for _ in range(int(seconds)):
        clock.sleep(1)
        watch.look(health, dict(failed))


def events(root):
    return [(event["event"], event["release"]) for event in journal.recent(root)][2:]


@pytest.mark.parametrize(
    ("health", "words"),
    [
        ({"requests": 20, "errors": 3}, "failed 3 of 20"),
        ({"requests": 3, "errors": 3}, "failed 3 of 3"),
        ({"requests": 1000, "errors": 70}, "failed 70 of 1,000"),
        ({"p95_ms": 10.5}, "95th percentile is 10.5 ms"),
        ({"output_drift": {"prediction": 0.7}, "drifted": ("prediction",)}, "70% of its answers"),
    ],
)
def test_complaints(health, words):
    assert words in complaint(WELL._replace(**health), DEVICE)


@pytest.mark.parametrize(
    "health",
    [
        {},
        {"requests": 2, "errors": 2},
        {"requests": 1000, "errors": 55},
        {"requests": 0, "errors": 0, "p95_ms": None},
        {"requests": 10, "p95_ms": 5000.0},
        {"output_drift": {"prediction": 0.7}},
        {"output_drift": {"prediction": 0.4}, "drifted": ("prediction",)},
        {"output_drift": {"prediction": 0.9}, "drift": {"load": 0.8}, "drifted": ("prediction", "load")},
    ],
    ids=[
        "well",
        "two errors",
        "as many errors as are allowed",
        "nobody asks",
        "slow at first",
        "uncertain drift",
        "little drift",
        "other inputs, other answers",
    ],
)
def test_no_complaint(health):
    assert complaint(WELL._replace(**health), DEVICE) is None


def test_no_limits_no_complaint():
    bad = WELL._replace(p95_ms=1e6, output_drift={"prediction": 1.0}, drifted=("prediction",))
    assert complaint(bad, Device("pump-1", "pumps", trial_drift=1.0)) is None


def test_kept_after_a_while(root, watch, clock):
    looks(watch, clock, WELL, 599)
    assert State.read(root).trial is not None
    looks(watch, clock, WELL, 5)
    state = State.read(root)
    assert (state.release, state.trial, state.previous) == (SECOND.id, None, FIRST.id)
    assert events(root) == [("kept", SECOND.id)]


def test_not_kept_before_someone_asked(root, watch, clock):
    looks(watch, clock, WELL._replace(requests=19), 2000)
    assert State.read(root).trial.healthy >= 600
    looks(watch, clock, WELL._replace(requests=20), 1)
    assert State.read(root).trial is None


def test_progress_outlives_restarts(root, clock):
    """A device that is switched on for five minutes at a time keeps a release in the end."""
    for _ in range(3):
        assert State.read(root).trial is not None
        change(root, lambda state: state._replace(trial=state.trial._replace(starts=state.trial.starts + 1)))
        looks(TrialWatch(root, DEVICE, clock), clock, WELL._replace(requests=10), 290)
    assert State.read(root).trial is None


def test_progress_forgives_starts(root, watch, clock):
    change(root, lambda state: state._replace(trial=state.trial._replace(starts=2)))
    looks(watch, clock, WELL, 59)
    assert State.read(root).trial.starts == 2
    looks(watch, clock, WELL, 2)
    assert State.read(root).trial.starts == 0


def test_orderly_end_forgives_starts(root, watch, clock):
    change(root, lambda state: state._replace(trial=state.trial._replace(starts=2)))
    looks(watch, clock, WELL, 5)
    watch.close(WELL)
    assert State.read(root).trial.starts == 0
    assert State.read(root).trial.answers == 100


@pytest.mark.parametrize("health", [None, WELL._replace(release=FIRST.id), WELL._replace(errors=50)])
def test_end_that_forgives_nothing(root, watch, clock, health):
    change(root, lambda state: state._replace(trial=state.trial._replace(starts=2)))
    watch.close(health)
    assert State.read(root).trial.starts == 2


def test_left_when_it_fails(root, watch, clock):
    looks(watch, clock, WELL, 100)
    looks(watch, clock, WELL._replace(errors=20), 1)
    state = State.read(root)
    assert (state.release, state.trial, state.previous) == (FIRST.id, None, None)
    assert state.refused == {SECOND.id: "it failed 20 of 100 requests"}
    assert events(root) == [("rolled back", SECOND.id)]


def test_left_when_it_cannot_be_loaded(root, watch, clock):
    looks(watch, clock, WELL._replace(release=FIRST.id), 1, failed={SECOND.id: "no model"}.items())
    assert State.read(root).release == FIRST.id
    assert State.read(root).refused == {SECOND.id: "no model"}


def test_left_when_it_does_not_come_to_answer(root, watch, clock):
    looks(watch, clock, WELL._replace(release=FIRST.id), SWITCHING)
    assert State.read(root).release == SECOND.id
    looks(watch, clock, None, 2)
    assert State.read(root).release == FIRST.id
    assert "did not come to answer" in State.read(root).refused[SECOND.id]


def test_kept_one_that_cannot_be_loaded_is_left_too(root, watch, clock):
    change(root, lambda state: state.kept())
    looks(watch, clock, None, 1, failed={SECOND.id: "no memory"}.items())
    assert State.read(root).release == FIRST.id


def test_nothing_to_go_back_to_is_told_once(root, watch, clock):
    change(root, lambda state: state.emptied("a"))
    looks(watch, clock, WELL._replace(errors=100), 10)
    assert State.read(root).release == SECOND.id
    assert [event for event, _ in events(root)] == ["refused"]


def test_damaged_way_back_is_no_way_back(root, watch, clock):
    (root / "slots" / "a" / "model.onnx").write_bytes(b"flipped")
    looks(watch, clock, WELL._replace(errors=100), 2)
    state = State.read(root)
    assert (state.release, state.fallback) == (SECOND.id, None)


def test_kept_by_nobody_else(root, watch, clock):
    """Health of the release before says nothing."""
    looks(watch, clock, WELL._replace(release=FIRST.id), 30)
    looks(watch, clock, WELL, 10)
    watch.close(WELL)
    assert State.read(root).trial.healthy == pytest.approx(10, abs=1)


def test_nothing_on_trial(root, watch, clock):
    change(root, lambda state: state.kept())
    looks(watch, clock, WELL._replace(errors=100), 5)
    watch.close(WELL)
    assert State.read(root).release == SECOND.id
