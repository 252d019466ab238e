"""The way back to the release before: one change of the state."""

from __future__ import annotations

from pathlib import Path

from core.errors import Refused

from . import journal, slots
from .clock import Clock
from .journal import Event
from .room import with_room
from .state import State, change


def leave(root: Path, clock: Clock, release: str, reason: str, *, refuse: bool, event: Event = "rolled back") -> State:
    """Go back from `release` to the fallback; it is not taken again if it is refused. The state from then on.

    Nothing changes if another release answers by now. Raises Refused if there is nothing whole to go back to.
    """
    before = State.read(root)
    if before.release != release:
        return before
    _check_way_back(root, before)

    def how(state: State) -> State:
        same = (state.release, state.previous) == (release, before.previous)
        return state.left(reason if refuse else None) if same else state

    after = with_room(root, lambda: change(root, how))
    if after.release == before.previous:
        journal.note(root, clock, event, release, reason)
    return after


def _check_way_back(root: Path, state: State) -> None:
    if state.fallback is None:
        raise Refused(f"there is no release to go back to from {state.release}.")
    fallback = state.fallback
    found = slots.held(root, fallback)
    if found is None or found[0] != state.previous:
        with_room(root, lambda: change(root, lambda now: now.emptied(fallback) if now.fallback == fallback else now))
        raise Refused(f"release {state.previous}, to go back to from {state.release}, is damaged.")
