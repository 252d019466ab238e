"""Writing rollout documents: each is the one before with one change, and of two writers at once one wins."""

from __future__ import annotations

from core import layout
from core.errors import AlreadyExists, Refused, Transient
from core.ports import ReadsLists, ReadsListsCreates

from ..rollout import WHOLE, Rollout, Stage
from .keys import KeyFolder
from .publish import publish_trust, read_release


def newest_rollout(edge: ReadsLists, model: str) -> Rollout | None:
    """The document that counts, or None if nothing was rolled out yet."""
    keys = [info.key for info in edge.list(layout.edge_rollouts(model))]
    return Rollout.decode(edge.get(keys[-1]).data) if keys else None


def stage(
    edge: ReadsListsCreates, keys: KeyFolder, model: str, release: str, percent: float, rings: tuple[str, ...]
) -> Rollout:
    """Let `percent` of the devices, and those of `rings`, run a release.

    What is staged newly comes first. Behind the first one that all devices are to run, those stay that they are to run
    should it be withdrawn. Raises NotFound if there is no such release, Refused if it was withdrawn, or is signed by
    nobody who is trusted; Transient if somebody else changed the rollout meanwhile.
    """
    for ring in rings:
        layout.check_device_name(ring, "ring")
    publish_trust(edge, model, keys.chain())
    read_release(edge, model, release, keys.trust())
    before = newest_rollout(edge, model)
    if before is not None and release in before.withdrawn:
        raise Refused(f"release {release} was withdrawn: export the version anew to roll it out again.")
    fresh = Stage(release, int(percent) if percent == int(percent) else percent, rings)
    return _write(edge, keys, model, before, _staged(before, fresh), before.withdrawn if before else ())


def _staged(before: Rollout | None, fresh: Stage) -> list[Stage]:
    stages = [] if before is None else list(before.releases)
    places = [place for place, stage in enumerate(stages) if stage.release == fresh.release]
    if places:
        stages[places[0]] = fresh
    else:
        stages.insert(0, fresh)
    whole = [place for place, stage in enumerate(stages) if stage.percent >= WHOLE]
    return stages[: whole[1] + 1] if len(whole) > 1 else stages


def withdraw(edge: ReadsListsCreates, keys: KeyFolder, model: str, release: str) -> Rollout:
    """Take a release back for good; raises Refused if it was never rolled out."""
    before = newest_rollout(edge, model)
    if before is None or not (before.names(release) or release in before.withdrawn):
        raise Refused(f"release {release[:80]} of model {model} is not rolled out, so that it cannot be withdrawn.")
    if release in before.withdrawn:
        return before
    publish_trust(edge, model, keys.chain())
    stages = [stage for stage in before.releases if stage.release != release]
    return _write(edge, keys, model, before, stages, (*before.withdrawn, release))


def _write(
    edge: ReadsListsCreates,
    keys: KeyFolder,
    model: str,
    before: Rollout | None,
    stages: list[Stage],
    withdrawn: tuple[str, ...],
) -> Rollout:
    number = 1 if before is None else before.number + 1
    rollout = Rollout.issue(model, number, stages, withdrawn, keys.signer())
    try:
        edge.create(layout.edge_rollout(model, number), rollout.encode())
    except AlreadyExists as error:
        raise Transient(
            f"somebody else changed the rollout of {model} meanwhile: look at it, and try again."
        ) from error
    return rollout
