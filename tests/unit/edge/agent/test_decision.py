"""What a device does about its rollout document."""

import pytest

from edge.agent.config import Device
from edge.agent.decision import Decision, decide
from edge.agent.state import State, Trial
from edge.rollout import Rollout, Stage
from edge.signing import SigningKey

KEY = SigningKey.generate()
DEVICE = Device("pump-1", "pumps", ring="lab")


def release(number):
    return f"{number:010d}-{number:012x}"


def rollout(*stages, withdrawn=()):
    return Rollout.issue("pumps", 1, stages, withdrawn, KEY)


def everywhere(number):
    return Stage(release(number), 100)


ON_2 = State(active="b", fallback="a", releases={"a": release(1), "b": release(2)}, highest=2)
ON_TRIAL = ON_2._replace(trial=Trial(release(2)))


def test_no_rollout_yet():
    assert decide(State(), None, DEVICE).what == "stay"


def test_first_release():
    assert decide(State(), rollout(everywhere(1)), DEVICE) == Decision("install", release(1))


def test_no_release_for_this_device():
    assert decide(ON_2, rollout(Stage(release(3), 0, ("field",))), DEVICE).what == "stay"


def test_what_it_is_to_run():
    assert decide(ON_2, rollout(everywhere(2)), DEVICE).what == "stay"


def test_its_ring_is_first():
    assert decide(ON_2, rollout(Stage(release(3), 0, ("lab",)), everywhere(2)), DEVICE).release == release(3)


def test_older_release_that_the_rollout_names():
    assert decide(ON_2, rollout(everywhere(1)), DEVICE) == Decision("install", release(1))


def test_trial_ends_first():
    assert decide(ON_TRIAL, rollout(everywhere(3)), DEVICE).what == "stay"


@pytest.mark.parametrize(
    "state",
    [
        ON_TRIAL._replace(fallback=None),
        ON_TRIAL._replace(trial=Trial(release(2), healthy=DEVICE.trial_seconds)),
    ],
    ids=["nothing to go back to", "well for long, and nobody asks"],
)
def test_trial_that_holds_nothing_back(state):
    assert decide(state, rollout(everywhere(3)), DEVICE) == Decision("install", release(3))


@pytest.mark.parametrize("state", [ON_2, ON_TRIAL])
def test_withdrawn_goes_back_to_the_one_before(state):
    gone = rollout(everywhere(1), withdrawn=[release(2)])
    assert decide(state, gone, DEVICE) == Decision("back", release(1))


def test_withdrawn_and_nothing_else_is_named():
    assert decide(ON_2, rollout(withdrawn=[release(2)]), DEVICE) == Decision("back", release(1))


@pytest.mark.parametrize("state", [ON_2, ON_TRIAL])
def test_withdrawn_for_another_one_which_nobody_leaves_for_it(state):
    gone = rollout(everywhere(3), withdrawn=[release(2)])
    assert decide(state, gone, DEVICE) == Decision("install", release(3), keep=False)


def test_both_withdrawn():
    gone = rollout(everywhere(1), withdrawn=[release(1), release(2)])
    assert "nothing to go back to" in decide(ON_2, gone, DEVICE).reason


def test_withdrawn_without_a_way_back():
    gone = rollout(withdrawn=[release(2)])
    assert decide(ON_2._replace(fallback=None), gone, DEVICE).what == "stay"


def test_withdrawn_for_one_that_failed_here():
    gone = rollout(everywhere(3), withdrawn=[release(2)])
    assert decide(ON_2.refusing(release(3), "it failed"), gone, DEVICE) == Decision("back", release(1))


def test_failed_here_before():
    told = decide(ON_2.refusing(release(3), "it failed"), rollout(everywhere(3)), DEVICE)
    assert (told.what, told.reason) == ("stay", f"release {release(3)} failed here: it failed")
