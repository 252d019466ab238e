"""The signed documents that a device follows, each in its turn: whose signatures count, and who is to run what."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from core.errors import NotFound, Permanent, Refused
from core.layout import edge_rollout, edge_trust

from ..rollout import Rollout
from ..stored import MOST
from ..trust import Trust
from . import files
from .state import State, change
from .transport import Source, read_whole

TRUST = "trust.json"
ROLLOUT = "rollout.json"
AHEAD = 1000
"""How many documents are followed at once; a server that has ever more of them is asked again later."""

Refuses = Callable[[str, Permanent], None]
"""Is told which document is not believed, and why."""


def read_trust(root: Path) -> Trust:
    """The trust document of a device; raises NotFound if it was never given one, Corrupt if that is damaged."""
    try:
        return Trust.decode(files.read(root / TRUST, MOST))
    except NotFound as error:
        raise NotFound(f"{root} has no {TRUST}: provision the device with one.") from error


def follow_trust(root: Path, model: str, source: Source) -> Trust:
    """The newest trust document: each is signed by a root of the one before, and kept before the next is asked for.

    Raises Refused or Corrupt for one that does not follow: no other can take its place.
    """
    trust = read_trust(root)
    for _ in range(AHEAD):
        try:
            data = read_whole(source.stream, edge_trust(model, trust.number + 1), MOST)
        except NotFound:
            break
        trust = trust.followed_by(data)
        files.replace(root / TRUST, trust.data)
    return trust


def read_rollout(root: Path, trust: Trust) -> Rollout | None:
    """The newest rollout document that is known here; None if there is none, or its key counts no more."""
    try:
        rollout = Rollout.decode(files.read(root / ROLLOUT, MOST))
        rollout.verify(trust)
    except Permanent:
        return None
    return None if rollout.number < State.read(root).rollout else rollout


def follow_rollouts(root: Path, model: str, source: Source, trusted: Callable[[], Trust], refuses: Refuses) -> None:
    """Keep the newest rollout document; `trusted` gives the newest trust document, and is asked if there is a new one.

    One that is not to be believed is passed over, since its key may have been revoked after it was written.
    """
    seen = State.read(root).rollout
    for number in range(seen + 1, seen + 1 + AHEAD):
        key = edge_rollout(model, number)
        try:
            data = read_whole(source.stream, key, MOST)
        except NotFound:
            break
        trust = trusted()
        try:
            _keep(root, _rollout(data, model, number, trust))
        except Permanent as error:
            refuses(key, error)


def _rollout(data: bytes, model: str, number: int, trust: Trust) -> Rollout:
    rollout = Rollout.decode(data)
    rollout.verify(trust)
    if (rollout.model, rollout.number) != (model, number):
        raise Refused(
            f"rollout {number} of model {model} is rollout {rollout.number} of model {rollout.model}: a replay."
        )
    return rollout


def _keep(root: Path, rollout: Rollout) -> None:
    """The document first: until the number is written down too, it is asked for again."""
    files.replace(root / ROLLOUT, rollout.encode())
    change(root, lambda state: state._replace(rollout=max(state.rollout, rollout.number)))
