"""A release takes the idle slot, and answers from then on: verified, proven, and with one rename.

| the power is cut                      | then                                                                         |
| ------------------------------------- | ---------------------------------------------------------------------------- |
| while it is fetched                   | what came is good or fetched anew; the active slot is as it was              |
| before the idle slot is emptied       | the proof is made again                                                      |
| while the idle slot is emptied        | nobody goes back to it: the state said so before                             |
| before the state is written           | the release is found in the idle slot                                        |
| after that                            | it answers                                                                   |
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from core.errors import Corrupt, Refused, TidemillError

from ..release import Limits, Release, check_manifest, verify_folder
from ..trust import Trust
from . import files, journal, slots
from .clock import Clock
from .config import Device
from .download import download, folder_of
from .proof import Prove
from .requirements import check_requirements
from .room import with_room
from .state import State, change
from .transport import Fetch

PROOFS = 3
"""How often a proof may be begun that does not end, since it takes the process with it."""


@dataclass(frozen=True, slots=True)
class Installer:
    """Installs releases on one device. For one process at a time."""

    root: Path
    device: Device
    clock: Clock
    prove: Prove

    @property
    def limits(self) -> Limits:
        """What the device takes."""
        return Limits(self.device.release_bytes, self.device.memory_mb)

    def install(self, release: str, fetch: Fetch, trust: Trust, *, keep: bool = True) -> None:
        """Make `release` the one that answers, on trial; the one before can be gone back to if it is to be kept.

        Raises Refused, TooLarge or Corrupt if it is not to be used here, and what `fetch` raises. What answered before
        goes on then.
        """
        idle = State.read(self.root).idle
        place = slots.folder(self.root, idle)
        found = self._held(place, release, trust)
        if found is None:
            staged = download(
                self.root, release, fetch, lambda manifest, signature: self._checked(manifest, signature, trust)
            )
            found = verify_folder(staged, trust, self.limits)
            self._proven(staged, release)
            self._occupy(staged, place)
        else:
            self._proven(place, release)
        sequence = found.manifest.sequence
        self._change(lambda state: state.swapped(release, sequence, keep=keep))
        files.remove(folder_of(self.root, release))
        journal.note(self.root, self.clock, "installed", release)

    def _held(self, place: Path, release: str, trust: Trust) -> Release | None:
        """The release, if it is whole in the idle slot already."""
        try:
            found = verify_folder(place, trust, self.limits)
        except (TidemillError, OSError):
            return None
        return found if found.id == release else None

    def _checked(self, manifest: bytes, signature: bytes, trust: Trust) -> Release:
        found = check_manifest(manifest, signature, trust, self.limits)
        if found.manifest.model != self.device.model:
            raise Refused(f"release {found.id} is of model {found.manifest.model}, not {self.device.model}.")
        check_requirements(found.manifest.requires)
        return found

    def _proven(self, folder: Path, release: str) -> None:
        """Ask for the golden rows; a release that does not pass, or does not let the proof end, is refused for good."""
        begun = self._change(lambda state: state.proving(release)).proofs[release]
        if begun > PROOFS:
            raise self._refused(release, f"its golden rows did not end {PROOFS} times")
        try:
            self.prove(folder)
        except Corrupt as error:
            raise self._refused(release, " ".join(str(error).split()).rstrip(".")) from error

    def _refused(self, release: str, reason: str) -> Refused:
        self._change(lambda state: state.refusing(release, reason))
        files.remove(folder_of(self.root, release))
        journal.note(self.root, self.clock, "refused", release, reason)
        return Refused(f"release {release} is refused: {reason}.")

    def _occupy(self, staged: Path, place: Path) -> None:
        self._change(lambda state: state.emptied(state.idle))
        files.remove(place)
        files.make_folder(place.parent)
        files.move(staged, place)

    def _change(self, how: Callable[[State], State]) -> State:
        return with_room(self.root, lambda: change(self.root, how))
