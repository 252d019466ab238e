"""The device's clock is wrong by ten years, either way, or jumps: nothing is decided by it."""

import json
from contextlib import closing
from pathlib import Path

import pytest

import edge.agent
from edge.agent import journal
from edge.agent.state import State
from edge.agent.update import Updater
from edge.rollout import Stage
from edge.runtime.model import Model

from .releases import FakeClock, Zone, make, new_device
from .simulated import SimulatedDevice, passes

YEARS = 10 * 365.25 * 86400.0
NOW = 1_767_323_045.0
FIRST, SECOND = make(1), make(2, 3.0)
WALLS = {"right": NOW, "ten years late": NOW - YEARS, "ten years early": NOW + YEARS, "1970": 0.0, "no date": 1e18}


def history(tmp_path, wall, jump=0.0):
    """What became of a device that had two releases, with this time of day; its clock jumps in between."""
    clock, zone = FakeClock(wall), Zone()
    device = new_device(tmp_path / "device", source_url="https://example.com", daily_budget=10_000_000)
    simulated = SimulatedDevice(tmp_path / "device", device, clock, zone, lambda: 0.5, {})
    simulated.switch_on()
    zone.add(FIRST)
    zone.roll_out(Stage(FIRST.id, 100))
    passes([simulated], clock, 7200)
    clock.offset += jump
    zone.add(SECOND)
    zone.roll_out(Stage(SECOND.id, 100))
    passes([simulated], clock, 7200)
    events = [(event["event"], event["release"]) for event in journal.recent(simulated.root)]
    return State.read(simulated.root), events, simulated.told


@pytest.fixture(scope="module")
def right(tmp_path_factory):
    return history(tmp_path_factory.mktemp("right"), NOW)


def test_history(right):
    state, events, _ = right
    assert (state.release, state.trial) == (SECOND.id, None)
    assert [event for event, _ in events] == ["installed", "kept", "installed", "kept"]


@pytest.mark.parametrize("name", WALLS)
@pytest.mark.parametrize("jump", [0.0, YEARS, -YEARS])
def test_same_history_with_any_clock(tmp_path, right, name, jump):
    assert history(tmp_path, WALLS[name], jump) == right


@pytest.mark.parametrize("name", WALLS)
def test_time_is_told_as_the_device_believes_it(tmp_path, name):
    clock = FakeClock(WALLS[name])
    journal.note(tmp_path, clock, "installed", FIRST.id)
    (event,) = journal.recent(tmp_path)
    assert event["at"].endswith("+00:00")


def test_model_answers_whatever_the_time_of_day(tmp_path, monkeypatch):
    zone, root = Zone(), tmp_path / "device"
    zone.add(FIRST)
    zone.roll_out(Stage(FIRST.id, 100))
    Updater(root, new_device(root), FakeClock()).update(zone)
    for wall in (0.0, NOW + YEARS, NOW - YEARS):
        monkeypatch.setattr("time.time", lambda wall=wall: wall)
        with closing(Model.open(root)) as model:
            assert model.predict([{"load": 3.0, "age": 1.0}]) == [{"prediction": 7.0}]


def test_time_of_day_is_asked_for_in_two_places_alone():
    """The journal tells it, and the budget fills up by it, bounded."""
    folder = Path(edge.agent.__file__).parent
    texts = {path.name: path.read_text() for path in folder.glob("*.py")}
    assert {name for name, text in texts.items() if ".wall()" in text} == {"journal.py", "budget.py"}
    assert {name for name, text in texts.items() if "time.time" in text or "now(" in text} == {"clock.py"}


def test_events_are_whole_json(tmp_path):
    journal.note(tmp_path, FakeClock(), "refused", None, 'a "reason"\nwith lines')
    assert json.loads((tmp_path / "journal.jsonl").read_text())["reason"] == 'a "reason"\nwith lines'
