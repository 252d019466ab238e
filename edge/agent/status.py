"""What a device is, runs and has been through, as plain JSON values."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from core.errors import Corrupt

from . import journal
from .config import Device
from .room import free
from .state import State

TOLD = 10


def facts(root: Path) -> dict[str, Any]:
    """What the fleet is told beside health: trial, refused releases, and the newest events."""
    try:
        state = State.read(root)
    except Corrupt as error:
        return {"events": journal.recent(root, TOLD), "damaged": str(error)}
    return {
        "trial": None if state.trial is None else state.trial._asdict(),
        "refused": dict(state.refused),
        "rollout": state.rollout,
        "events": journal.recent(root, TOLD),
    }


def status(root: Path) -> dict[str, Any]:
    """All that is known here; raises NotFound if `root` is no device's folder, Corrupt if the state is damaged."""
    device, state = Device.read(root), State.read(root)
    return {
        "device": device.device,
        "group": device.group,
        "ring": device.ring,
        "model": device.model,
        "release": state.release,
        "fallback": state.previous,
        "highest": state.highest,
        "free_bytes": free(root),
        **facts(root),
    }
