"""One look at what is new: trust, rollout, and what follows from them. Run in a process of its own, which ends soon."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from core.errors import NotFound, Permanent, Refused
from core.layout import MANIFEST, edge_file

from ..release import SIGNATURE, Limits, Release, check_manifest, read_small
from ..rollout import Rollout
from ..trust import Trust
from . import files
from .boot import mend
from .clock import Clock
from .config import Device
from .decision import Decision, decide
from .documents import follow_rollouts, follow_trust, read_rollout, read_trust
from .download import forget_others
from .going_back import leave
from .install import Installer
from .proof import Prove, prove
from .state import State, change
from .transport import Fetch, Source, in_folder

LOCK = ".update.lock"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was done, with which release, and why."""

    did: Literal["installed", "went back", "stayed"]
    release: str | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Updater:
    """Updates one device."""

    root: Path
    device: Device
    clock: Clock
    prove: Prove = prove

    def update(self, source: Source) -> Outcome:
        """Follow the documents of `source`, and do what they say.

        Raises Transient where another time may help; Refused, Corrupt, TooLarge or Unsupported if what the source
        offers is not to be used. What answered before goes on then.
        """
        with files.locked(self.root / LOCK, wait=False):
            mend(self.root, self.clock)
            followed = _Followed(self.root, self.device.model, source)
            follow_rollouts(self.root, self.device.model, source, followed.trust, _warn)
            decision, trust = self._decided(read_trust(self.root))
            if decision.what == "install":
                decision, trust = self._decided(followed.trust())
            return self._follow(decision, trust, source)

    def _decided(self, trust: Trust) -> tuple[Decision, Trust]:
        return decide(State.read(self.root), read_rollout(self.root, trust), self.device), trust

    def install(self, folder: Path, *, again: bool = False) -> Outcome:
        """Install a release from a folder, by hand: one that is newer than any before, or that the rollout names.

        `again` forgives a release that failed here before. Raises as `update` does, and NotFound.
        """
        with files.locked(self.root / LOCK, wait=False):
            mend(self.root, self.clock)
            trust = read_trust(self.root)
            found = _offered(folder, trust)
            if again:
                change(self.root, lambda state: state.forgiving(found.id))
            state, rollout = State.read(self.root), read_rollout(self.root, trust)
            if state.release == found.id:
                return Outcome("stayed", found.id, "it runs that release")
            _check_wanted(state, rollout, found)
            return self._install(Decision("install", found.id), in_folder(folder), trust)

    def _follow(self, decision: Decision, trust: Trust, source: Source) -> Outcome:
        forget_others(self.root, decision.release)
        current = State.read(self.root).release
        if decision.what == "back" and current is not None:
            leave(self.root, self.clock, current, _WITHDRAWN, refuse=False, event="went back")
            return Outcome("went back", decision.release, _WITHDRAWN)
        if decision.what == "install" and decision.release is not None:
            return self._install(decision, _files_of(source, self.device.model, decision.release), trust)
        return Outcome("stayed", current, decision.reason)

    def _install(self, decision: Decision, fetch: Fetch, trust: Trust) -> Outcome:
        assert decision.release is not None
        installer = Installer(self.root, self.device, self.clock, self.prove)
        installer.install(decision.release, fetch, trust, keep=decision.keep)
        return Outcome("installed", decision.release)


_WITHDRAWN = "it was withdrawn"


class _Followed:
    """The trust document, brought up to date when someone needs it: most looks find nothing that must be believed."""

    def __init__(self, root: Path, model: str, source: Source) -> None:
        self._follow = partial(follow_trust, root, model, source)
        self._trust: Trust | None = None

    def trust(self) -> Trust:
        """The newest one."""
        if self._trust is None:
            self._trust = self._follow()
        return self._trust


def _files_of(source: Source, model: str, release: str) -> Fetch:
    def fetch(name: str, start: int, length: int) -> Iterator[bytes]:
        return source.stream(edge_file(model, release, name), start, length)

    return fetch


def _offered(folder: Path, trust: Trust) -> Release:
    """The release of a folder, by its signed manifest."""
    if not folder.is_dir():
        raise NotFound(f"there is no folder {folder}.")
    return check_manifest(read_small(folder / MANIFEST), read_small(folder / SIGNATURE), trust, Limits(size=2**63))


def _check_wanted(state: State, rollout: Rollout | None, found: Release) -> None:
    """Raises Refused for a release that was withdrawn, that failed here, or that is older than what was here before."""
    if rollout is not None and found.id in rollout.withdrawn:
        raise Refused(f"release {found.id} was withdrawn.")
    if found.id in state.refused:
        raise Refused(f"release {found.id} failed here: {state.refused[found.id]}. Say --again to try it once more.")
    named = rollout is not None and rollout.names(found.id)
    if found.manifest.sequence <= state.highest and not named:
        raise Refused(
            f"release {found.id} is not newer than release {state.highest}, which was here: that would be a downgrade."
        )


def _warn(key: str, error: Permanent) -> None:
    log.warning("%s is not believed: %s", key, error)
