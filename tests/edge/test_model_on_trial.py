"""A model in process looks after a release on trial as the agent does."""

import subprocess
import sys

import pytest

from edge.agent.state import State, change
from edge.agent.update import Updater
from edge.rollout import Stage
from edge.runtime import model as module
from edge.runtime.model import Model
from tests.docs.markdown import ROOT

from .releases import FakeClock, Zone, make, new_device

FIRST, SECOND = make(1), make(2, 3.0)
FRAGILE = make(3, 4.0, fragile=True)
ROW = {"load": 3.0, "age": 1.0}


@pytest.fixture
def root(tmp_path):
    root, zone = tmp_path / "device", Zone()
    device = new_device(root, trial_answers=3, trial_seconds=0.0)
    for made in (FIRST, FRAGILE):
        zone.add(made)
        zone.roll_out(Stage(made.id, 100))
        change(root, lambda state: state.kept())
        Updater(root, device, FakeClock()).update(zone)
    return root


@pytest.fixture(autouse=True)
def looks_each_time(monkeypatch):
    monkeypatch.setattr(module, "TICK", 0.0)


def test_well_and_kept(root):
    with Model.open(root) as model:
        for _ in range(5):
            model.predict([ROW])
    assert State.read(root).release == FRAGILE.id
    assert State.read(root).trial is None


def test_failing_and_left(root):
    with Model.open(root) as model:
        for _ in range(4):
            with pytest.raises(Exception, match="out of data bounds"):
                model.predict([{"load": 50.0, "age": 1.0}])
        assert model.predict([ROW]) == [{"prediction": 7.0}]
    assert State.read(root).release == FIRST.id


SCRIPT = """
import sys
from edge.runtime.model import Model
model = Model.open(sys.argv[1])
model.predict([{"load": 3.0, "age": 1.0}])
"""


def test_scripts_that_open_it_and_end_are_no_crashes(tmp_path):
    """Also where they do not close it."""
    root, zone = tmp_path / "device", Zone()
    device = new_device(root)
    for made in (FIRST, SECOND):
        zone.add(made)
        zone.roll_out(Stage(made.id, 100))
        change(root, lambda state: state.kept())
        Updater(root, device, FakeClock()).update(zone)
    for _ in range(device.trial_starts + 1):
        subprocess.run([sys.executable, "-c", SCRIPT, str(root)], cwd=ROOT, check=True, timeout=300)
    assert State.read(root).release == SECOND.id


def test_processes_that_die_are_crashes(tmp_path):
    root, zone = tmp_path / "device", Zone()
    device = new_device(root)
    for made in (FIRST, SECOND):
        zone.add(made)
        zone.roll_out(Stage(made.id, 100))
        change(root, lambda state: state.kept())
        Updater(root, device, FakeClock()).update(zone)
    for _ in range(device.trial_starts):
        died = subprocess.run(
            [sys.executable, "-c", f"{SCRIPT}\nimport os\nos._exit(139)", str(root)], cwd=ROOT, check=False, timeout=300
        )
        assert died.returncode == 139
    with Model.open(root) as model:
        assert model.predict([ROW]) == [{"prediction": 7.0}]
    assert "did not stay well" in State.read(root).refused[SECOND.id]
