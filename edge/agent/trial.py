"""A release on trial: it is kept when it was well for a while, and left for the one before when it was not."""

from __future__ import annotations

from math import sqrt
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import Refused

from . import journal
from .clock import Clock
from .config import Device
from .going_back import leave
from .room import with_room
from .state import State, Trial, change

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..telemetry.health import Health

FEWEST_ERRORS = 3
FEWEST_LATENCIES = 20
CERTAINTY = 1.96
"""Standard errors by which the share of failures must be beyond what is allowed."""
SWITCHING = 60.0
"""Seconds in which a release on trial must come to answer."""
KEPT_EACH = 60.0
"""Seconds of progress after which they are written down."""


def complaint(health: Health, device: Device) -> str | None:
    """Why a release is not well, in one clause; None if it is, as far as can be told."""
    for found in (_errors(health, device), _latency(health, device), _drift(health, device)):
        if found is not None:
            return found
    return None


def _errors(health: Health, device: Device) -> str | None:
    if health.errors < FEWEST_ERRORS or _at_least(health.errors, health.requests) <= device.trial_errors:
        return None
    return f"it failed {health.errors:,} of {health.requests:,} requests"


def _latency(health: Health, device: Device) -> str | None:
    limit, found = device.trial_latency_ms, health.p95_ms
    if limit is None or found is None or health.requests < FEWEST_LATENCIES or found <= limit:
        return None
    return f"its 95th percentile is {found:.3g} ms, and {limit:.3g} ms are allowed"


def _drift(health: Health, device: Device) -> str | None:
    """Answers that are far from those on the holdout, while the inputs are as ever: so it is the release."""
    certain = {name: effect for name, effect in health.output_drift.items() if name in health.drifted}
    if not certain or any(name in health.drifted for name in health.drift):
        return None
    worst = max(certain, key=lambda name: certain[name])
    if certain[worst] <= device.trial_drift:
        return None
    return f"{certain[worst]:.0%} of its answers ({worst}) are otherwise than on the holdout, and its inputs are not"


def _at_least(failed: int, asked: int) -> float:
    """The share of failures that is certain: the lower end of Wilson's interval (JASA 22, 1927).

    >>> round(_at_least(3, 3), 2), round(_at_least(3, 1000), 4)
    (0.44, 0.001)
    """
    share, z2 = failed / asked, CERTAINTY**2
    middle, width = share + z2 / (2 * asked), CERTAINTY * sqrt(share * (1 - share) / asked + z2 / (4 * asked**2))
    return (middle - width) / (1 + z2 / asked)


class TrialWatch:
    """Looks after a release that is on trial, while it answers in this process. For one thread."""

    def __init__(self, root: Path, device: Device, clock: Clock) -> None:
        self._root = root
        self._device = device
        self._clock = clock
        self._of: str | None = None
        self._seen = self._switched = clock.monotonic()
        self._counted = 0
        self._well = 0.0
        self._stuck: str | None = None

    def look(self, health: Health | None, failed: Mapping[str, str]) -> None:
        """Judge by what is known now: `health` of what answers, and releases that could not be loaded, with reasons."""
        state = State.read(self._root)
        if state.release is not None and state.release in failed and state.fallback is not None:
            return self._leave(state.release, failed[state.release])
        if state.trial is None:
            self._of = None
            return None
        self._follow(state.trial)
        if health is None or health.release != state.trial.release:
            return self._wait(state.trial)
        why = complaint(health, self._device)
        return self._progress(state.trial, health) if why is None else self._leave(state.trial.release, why)

    def close(self, health: Health | None) -> None:
        """The process comes to an orderly end: its start is not held against the release."""
        trial = State.read(self._root).trial
        if trial is None or health is None or health.release != trial.release:
            return
        self._follow(trial)
        if complaint(health, self._device) is None:
            self._progress(trial, health, least=0.0)

    def _follow(self, trial: Trial) -> None:
        if self._of != trial.release:
            self._of, self._counted, self._well = trial.release, 0, 0.0
            self._seen = self._switched = self._clock.monotonic()

    def _wait(self, trial: Trial) -> None:
        self._seen = self._clock.monotonic()
        if self._seen - self._switched > SWITCHING:
            self._leave(trial.release, f"it did not come to answer in {SWITCHING:.0f} s")

    def _progress(self, trial: Trial, health: Health, least: float = KEPT_EACH) -> None:
        """It was well since the last look: that is written down when it was for `least` seconds, or is enough."""
        now = self._clock.monotonic()
        self._well, self._seen = self._well + now - self._seen, now
        answers = trial.answers + health.requests - self._counted
        seconds = trial.healthy + self._well
        passed = seconds >= self._device.trial_seconds and answers >= self._device.trial_answers
        if passed or self._well >= least:
            self._well, self._counted = 0.0, health.requests
            self._keep(trial._replace(starts=0, healthy=seconds, answers=answers), passed=passed)

    def _keep(self, trial: Trial, *, passed: bool) -> None:
        def how(state: State) -> State:
            if state.trial is None or state.trial.release != trial.release:
                return state
            return state.kept() if passed else state._replace(trial=trial)

        with_room(self._root, lambda: change(self._root, how))
        if passed:
            journal.note(self._root, self._clock, "kept", trial.release)

    def _leave(self, release: str, reason: str) -> None:
        if release == self._stuck:
            return
        try:
            leave(self._root, self._clock, release, reason, refuse=True)
        except Refused as error:
            self._stuck = release
            journal.note(self._root, self._clock, "refused", release, f"{reason}; {error}")
