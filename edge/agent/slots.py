"""Two slots, each a folder with a whole release: one answers, the other is the way back or the way forward."""

from __future__ import annotations

from pathlib import Path

from core.errors import TidemillError

from ..runtime.installed import whole
from .state import Slot

FOLDER = "slots"


def folder(root: Path, slot: Slot) -> Path:
    """Where the files of a slot are."""
    return root / FOLDER / slot


def held(root: Path, slot: Slot) -> tuple[str, int] | None:
    """The release that is whole in a slot, by its hashes, and its sequence; None if there is none.

    Its signature was verified before it came there.
    """
    try:
        return whole(folder(root, slot))
    except (TidemillError, OSError):
        return None
