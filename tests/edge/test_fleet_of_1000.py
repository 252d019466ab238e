"""A bad release reaches the first ring alone, and is gone soon: see `fleet_of_1000` for what is simulated."""

import json
import subprocess
import sys

import pytest

from tests.docs.markdown import ROOT

from .fleet_of_1000 import BAD, BETTER, GOOD


def simulated(devices):
    command = [sys.executable, "-m", "tests.edge.fleet_of_1000", "--devices", str(devices), "--json"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=1200, check=False)
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


def check_bad_release(found):
    bad = found["bad"]
    assert found["first"] == {GOOD.id: found["devices"]}
    assert bad["fetched_outside_the_first_ring"] == 0
    assert 2 < bad["fetched_by"] <= found["first_ring"]
    assert bad["left_by_themselves"] > bad["went_back_when_withdrawn"]
    assert bad["left_by_themselves"] + bad["went_back_when_withdrawn"] == bad["fetched_by"]
    assert bad["away_and_never_had_it"] == bad["away"]
    assert bad["before_withdrawal"][GOOD.id] >= found["devices"] - bad["went_back_when_withdrawn"] - 1
    assert bad["after"] == {GOOD.id: found["devices"]}
    assert bad["minutes_from_withdrawal_to_none"] <= 75  # a poll interval and what it may be late by


def check_good_release(found):
    steps = found["good"]["steps"]
    shares = [steps[name]["devices"] / found["devices"] for name in ("1 %", "10 %", "100 %")]
    assert shares[0] < 0.05
    assert shares[1] == pytest.approx(0.1, abs=0.06)
    assert shares[2] == 1
    assert all(step["lost_it"] == 0 for step in steps.values())
    assert found["good"]["after"] == {BETTER.id: found["devices"]}


def check_network(found):
    """A release is fetched once by whom it is for, and a look that finds nothing is one request."""
    network, size = found["network"], found["devices"]
    fetched = network["releases_fetched"]
    assert [fetched[f"pumps/{made.id}/"] for made in (GOOD, BETTER)] == [size, size]
    fetches = sum(fetched.values())
    assert network["bytes"]["releases"] == pytest.approx(fetches * network["bytes_of_one_release"], rel=0.02)
    looks = size * network["simulated_hours"] * 1.25
    assert network["requests"] <= looks + fetches * 9 + size * 15


def test_sixty_devices():
    found = simulated(60)
    assert found["bad"]["fetched_outside_the_first_ring"] == 0
    assert found["bad"]["after"] == {GOOD.id: 60}
    check_good_release(found)
    check_network(found)


@pytest.mark.slow
def test_thousand_devices():
    found = simulated(1000)
    check_bad_release(found)
    check_good_release(found)
    check_network(found)
    assert BAD.id not in found["good"]["after"]
