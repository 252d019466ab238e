"""What is looked at before a model is loaded: a card's bits flip, and a model may take its process with it.

What is rarely needed is imported where it is: the first answer waits for the rest.
"""

from __future__ import annotations

import logging
from pathlib import Path

from core.errors import Corrupt, Permanent, Refused

from . import files, slots
from .clock import Clock
from .config import Device
from .state import LOCK, SLOTS, STATE, Slot, State, Trial, change

log = logging.getLogger(__name__)


def settle(root: Path, device: Device, clock: Clock) -> State:
    """The state to start with: what is active is whole, and its start is counted while it is on trial.

    A damaged release, and one on trial whose process ends again and again, is left for the one before. On a disk that
    is full nothing is counted: the model that is there answers.
    """
    mend(root, clock)
    state = State.read(root)
    try:
        return _settled(root, device, clock, state)
    except files.NoRoom as error:
        log.warning("the start is not counted: %s", error)
        return state


def _settled(root: Path, device: Device, clock: Clock, state: State) -> State:
    if state.active is not None and not _is_whole(root, state):
        state = _leave_damaged(root, clock, state)
    if state.trial is None:
        return state
    from .going_back import leave  # noqa: PLC0415 - see above
    from .room import with_room  # noqa: PLC0415 - see above

    if state.trial.starts >= device.trial_starts and state.fallback is not None:
        reason = f"it did not stay well for a minute in {state.trial.starts} starts"
        return leave(root, clock, state.trial.release, reason, refuse=True)
    return with_room(root, lambda: change(root, _started))


def mend(root: Path, clock: Clock) -> None:
    """Make the state anew from what is whole in the slots, if it is damaged, or gone though there is something."""
    try:
        if State.read(root) != State() or not _held(root):
            return
        reason = f"{STATE} is gone"
    except Corrupt as error:
        reason = str(error)
    from . import journal  # noqa: PLC0415 - see above

    with files.locked(root / LOCK):
        files.replace(root / STATE, _found(root).encode())
    journal.note(root, clock, "repaired", None, reason)


def _held(root: Path) -> dict[Slot, tuple[str, int]]:
    return {slot: found for slot in SLOTS if (found := slots.held(root, slot)) is not None}


def _found(root: Path) -> State:
    """The newest release that is whole is active, and has to prove itself if there is another one."""
    held, rollout = _held(root), _newest_rollout(root)
    if not held:
        return State(rollout=rollout)
    active, *others = sorted(held, key=lambda slot: held[slot][1], reverse=True)
    return State(
        active=active,
        fallback=others[0] if others else None,
        releases={slot: release for slot, (release, _) in held.items()},
        highest=held[active][1],
        rollout=rollout,
        trial=Trial(held[active][0]) if others else None,
    )


def _newest_rollout(root: Path) -> int:
    """The number of the newest document that was followed, so that none before it counts again."""
    from ..rollout import Rollout  # noqa: PLC0415 - see above
    from ..stored import MOST  # noqa: PLC0415 - see above
    from .documents import ROLLOUT  # noqa: PLC0415 - see above

    try:
        return Rollout.decode(files.read(root / ROLLOUT, MOST)).number
    except Permanent:
        return 0


def _is_whole(root: Path, state: State) -> bool:
    assert state.active is not None
    found = slots.held(root, state.active)
    return found is not None and found[0] == state.release


def _leave_damaged(root: Path, clock: Clock, before: State) -> State:
    """Go back without blaming the release, so that it can be fetched anew; without a way back nothing is active."""
    from . import journal  # noqa: PLC0415 - see above
    from .going_back import leave  # noqa: PLC0415 - see above
    from .room import with_room  # noqa: PLC0415 - see above

    release, reason = str(before.release), "its files are damaged"
    try:
        leave(root, clock, release, reason, refuse=False, event="repaired")
    except Refused as error:
        journal.note(root, clock, "repaired", release, f"{reason}: {error}")
    return with_room(root, lambda: change(root, lambda state: _without(state, before)))


def _without(state: State, before: State) -> State:
    """The slot that was active before has nothing in it that can be used; nothing answers if it is still active."""
    if before.active is None or state.releases.get(before.active) != before.release:
        return state
    emptied = state.emptied(before.active)
    return emptied if state.active != before.active else emptied._replace(active=None, fallback=None, trial=None)


def _started(state: State) -> State:
    return state if state.trial is None else state._replace(trial=state.trial._replace(starts=state.trial.starts + 1))
