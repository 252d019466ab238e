"""What a device is to do about its rollout document: a pure function of the document and of its own state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..rollout import Rollout
from .config import Device
from .state import State


@dataclass(frozen=True, slots=True)
class Decision:
    """`install` the release, go `back` to the fallback, or `stay`; `keep` says whether one may go back afterwards.

    `reason` is one sentence for who asks why nothing happens.
    """

    what: Literal["install", "back", "stay"]
    release: str | None = None
    keep: bool = True
    reason: str = ""


def decide(state: State, rollout: Rollout | None, device: Device) -> Decision:
    """What to do now. Nobody goes back but from a withdrawn release, and while a trial lasts nothing new begins."""
    if rollout is None:
        return Decision("stay", reason="there is no rollout yet")
    target = rollout.release_for(device.device, device.ring)
    if state.release in rollout.withdrawn:
        return _instead(state, rollout, target)
    return _next(state, target, device)


def _instead(state: State, rollout: Rollout, target: str | None) -> Decision:
    """Something else than the withdrawn release, which nobody goes back to."""
    previous = state.previous
    if target is not None and target != previous and target not in state.refused:
        return Decision("install", target, keep=False)
    if previous is None or previous in rollout.withdrawn:
        return Decision("stay", reason=f"release {state.release} is withdrawn, and there is nothing to go back to")
    return Decision("back", previous)


def _next(state: State, target: str | None, device: Device) -> Decision:
    if target is None:
        return Decision("stay", reason="no release is for this device")
    if target == state.release:
        return Decision("stay", target, reason="it runs what it is to run")
    if target in state.refused:
        return Decision("stay", target, reason=f"release {target} failed here: {state.refused[target]}")
    if _is_waited_for(state, device):
        return Decision("stay", target, reason=f"release {state.release} is on trial first")
    return Decision("install", target)


def _is_waited_for(state: State, device: Device) -> bool:
    """While a trial may still end with the release before, that one is not given up for the next."""
    return state.trial is not None and state.fallback is not None and state.trial.healthy < device.trial_seconds
