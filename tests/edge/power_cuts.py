"""Cuts the power before every operation of a change, and looks what is there: `python -m tests.edge.power_cuts NAME`.

A process of its own with one thread, so that it can be forked for each cut.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from edge.agent import files, slots
from edge.agent.boot import settle
from edge.agent.config import Device
from edge.agent.download import DOWNLOADS
from edge.agent.going_back import leave
from edge.agent.proof import prove
from edge.agent.provision import provision
from edge.agent.state import State, change
from edge.agent.update import Updater
from edge.rollout import Stage

from .disk import LOSSES, Disk, Loss, dies
from .releases import KEY, MODEL, OTHER_KEY, FakeClock, Made, Zone, first_trust, make, new_device

MEMORY = Path("/dev/shm")
"""A disk that is quick to sync; what is lost is decided by `Disk`."""
RELEASES = {number: make(number, float(number)) for number in range(1, 5)}
BEFORE, AFTER = 3, 5
"""Rollout documents before and after the change."""
DEVICE = Device("pump-1", MODEL)


@dataclass
class Change:
    """What is done to a device: `before` it, what it is to run then, and what it may run if the power is cut."""

    before: Callable[[Path], object]
    act: Callable[[Path], object]
    end: Made | None
    allowed: set[str | None] = field(default_factory=set)


def _updater(root: Path) -> Updater:
    return Updater(root, DEVICE, FakeClock())


def _new(root: Path) -> None:
    new_device(root)
    change(root, lambda state: state._replace(rollout=BEFORE))


def _device_with(root: Path, *numbers: int) -> None:
    """It has had these releases, each kept, and has followed documents up to `BEFORE`."""
    new_device(root)
    zone = Zone()
    for number in numbers:
        zone.add(RELEASES[number])
        zone.roll_out(Stage(RELEASES[number].id, 100))
        _updater(root).update(zone)
        change(root, lambda state: state.kept())
    while zone.rollouts < BEFORE:
        zone.roll_out(Stage(RELEASES[numbers[-1]].id, 100))
    _updater(root).update(zone)


def _follows(root: Path, *newest_first: int, withdrawn: tuple[int, ...] = ()) -> None:
    """Two documents further than before; what the zone has does not depend on how far the device came."""
    zone, stages = Zone(), [Stage(RELEASES[number].id, 100) for number in newest_first]
    for number in newest_first:
        zone.add(RELEASES[number])
    while zone.rollouts < AFTER:
        zone.roll_out(*stages, withdrawn=[RELEASES[number].id for number in withdrawn])
    _updater(root).update(zone)


def _rotated(root: Path) -> None:
    """A new key signs from now on, and the one before is revoked."""
    zone = Zone()
    zone.follow(KEY, OTHER_KEY)
    zone.follow(OTHER_KEY, revoked=[KEY.id])
    zone.add(ROTATED)
    zone.rollouts = BEFORE
    zone.roll_out(Stage(ROTATED.id, 100), key=OTHER_KEY)
    _updater(root).update(zone)


def _by_hand(root: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        _updater(root).install(RELEASES[2].write(Path(folder) / "release"))


def _provisioned(root: Path) -> None:
    if not (root / "device.toml").exists():
        provision(root, DEVICE, first_trust().data)


def _fails(root: Path) -> None:
    leave(root, FakeClock(), RELEASES[2].id, "it failed", refuse=True)


ROTATED = make(5, 5.0, key=OTHER_KEY)


def _ids(*numbers: int) -> set[str | None]:
    return {RELEASES[number].id for number in numbers}


CHANGES = {
    "provision": Change(lambda root: root.mkdir(), _provisioned, None, {None}),
    "first": Change(_new, lambda root: _follows(root, 1), RELEASES[1], {None}),
    "second": Change(lambda root: _device_with(root, 1), lambda root: _follows(root, 2, 1), RELEASES[2], _ids(1)),
    "third": Change(lambda root: _device_with(root, 1, 2), lambda root: _follows(root, 3, 2), RELEASES[3], _ids(2)),
    "by hand": Change(lambda root: _device_with(root, 1), _by_hand, RELEASES[2], _ids(1)),
    "withdrawn": Change(
        lambda root: _device_with(root, 1, 2), lambda root: _follows(root, 1, withdrawn=(2,)), RELEASES[1], _ids(2)
    ),
    "rotated": Change(lambda root: _device_with(root, 1, 2), _rotated, ROTATED, _ids(2)),
    "fails": Change(lambda root: _device_with(root, 1, 2), _fails, RELEASES[1], _ids(2)),
}


def cut_everywhere(name: str, folder: Path, losses: Sequence[Loss] = LOSSES) -> dict[str, int]:
    """How many cuts were survived, for each loss."""
    changing = CHANGES[name]
    changing.before(folder / "base")
    found = {loss: _cut_each(changing, folder, loss) for loss in losses}
    if "nothing" in found:
        cuts = range(1, found["nothing"] + 1)
        found["torn writes"] = sum(_cut(changing, folder, cut, "nothing", torn=True) for cut in cuts)
    return found


def _cut_each(changing: Change, folder: Path, loss: Loss) -> int:
    return next(cut for cut in count(0) if not _cut(changing, folder, cut + 1, loss))


def _cut(changing: Change, folder: Path, cut: int, loss: Loss, *, torn: bool = False) -> bool:
    """Whether there was something to cut."""
    now = folder / "now"
    root, crashed = now / "root", now / "crashed"
    shutil.rmtree(now, ignore_errors=True)
    shutil.copytree(folder / "base", root)

    def act() -> None:
        Disk(root, cut, loss, crashed, torn=torn).plug_in()
        changing.act(root)

    died = dies(act)
    dies(lambda: _check(changing, crashed) if died else _check_end(changing, root))
    return died


def _check(changing: Change, root: Path) -> None:
    """A working model answers, and the change can be made whole."""
    if changing.end is not None:
        settle(root, DEVICE, FakeClock())
    end = None if changing.end is None else changing.end.id
    assert _answers(root) in {*changing.allowed, end}, _answers(root)
    if _answers(root) != end or end is None:
        changing.act(root)
    _check_end(changing, root)


def _check_end(changing: Change, root: Path) -> None:
    end = None if changing.end is None else changing.end.id
    assert _answers(root) == end, (_answers(root), end)
    assert not (root / DOWNLOADS).exists() or not list((root / DOWNLOADS).iterdir())
    assert Device.read(root) == DEVICE
    assert settle(root, DEVICE, FakeClock()).release == end


def _answers(root: Path) -> str | None:
    """The release that answers, proven by its golden rows."""
    state = State.read(root)
    if state.active is None:
        return None
    held = slots.held(root, state.active)
    assert held is not None
    assert held[0] == state.release
    prove(slots.folder(root, state.active))
    return held[0]


def main(name: str, loss: Loss | None = None, careless: str = "") -> None:
    """Print how many cuts were survived, for all losses or one; `careless` syncs no file."""
    if careless:
        files.os = Careless(files.os)
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as place:
        print(json.dumps(cut_everywhere(name, Path(place), LOSSES if loss is None else [loss])))  # noqa: T201


class Careless:
    """`os`, without its fsync of files."""

    def __init__(self, system: Any) -> None:
        self._system = system

    def __getattr__(self, name: str) -> Any:
        return getattr(self._system, name)

    def fsync(self, descriptor: int) -> None:
        """Folders alone."""
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            os.fsync(descriptor)


if __name__ == "__main__":
    main(*sys.argv[1:])
