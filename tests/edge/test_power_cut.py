"""The power is cut before every operation on the disk: a working model answers afterwards, and the change ends well."""

import json
import subprocess
import sys

import pytest

from tests.docs.markdown import ROOT

from .disk import LOSSES
from .power_cuts import CHANGES

FEWEST = {"provision": 8, "by hand": 30, "withdrawn": 30, "fails": 4}


def cut(*arguments):
    command = [sys.executable, "-m", "tests.edge.power_cuts", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=1200, check=False)


@pytest.mark.slow
@pytest.mark.parametrize("name", CHANGES)
def test_power_may_be_cut_anywhere(name):
    ended = cut(name)

    assert ended.returncode == 0, ended.stderr
    survived = json.loads(ended.stdout)
    assert set(survived) == {*LOSSES, "torn writes"}
    assert len({survived[loss] for loss in LOSSES}) == 1
    assert survived["nothing"] >= FEWEST.get(name, 40)
    assert survived["torn writes"] >= 1


def test_power_may_be_cut_anywhere_while_a_device_goes_back():
    ended = cut("fails")

    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["nothing"] >= FEWEST["fails"]


def test_what_was_not_synced_is_lost_on_this_disk():
    """Else the tests above could not fail."""
    ended = cut("rotated", "content", "careless")

    assert ended.returncode != 0
    assert "trust document" in ended.stderr
