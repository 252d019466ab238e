"""What a device knows of itself: which slot answers, which one it can go back to, and what it must never take again.

`state.json` is replaced whole, in one rename, under a lock. It carries its own hash, so that flipped bits are noticed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

from core.domain.artefact import read_artefact
from core.domain.canonical import canonical_json, content_version
from core.errors import Corrupt, NotFound

from . import files

FORMAT = 1
STATE = "state.json"
LOCK = ".state.lock"
MOST = 1024 * 1024
REMEMBERED = 50
"""How many releases that failed here are remembered."""

Slot = Literal["a", "b"]
SLOTS: tuple[Slot, ...] = get_args(Slot)
_NONE: Mapping[Any, Any] = {}


class Trial(NamedTuple):
    """A release that has to prove itself.

    `starts` counts the starts since it last made progress; `healthy` are the seconds for which it was well, `answers`
    what it answered meanwhile.
    """

    release: str
    starts: int = 0
    healthy: float = 0.0
    answers: int = 0


class State(NamedTuple):
    """`releases` tells what is whole in a slot; `active` answers, `fallback` can be gone back to.

    `highest` is the highest sequence that was ever installed, `rollout` the newest rollout document that was seen.
    `refused` are releases that failed here, with the reason; `proofs` counts the proofs of a release that did not end.
    """

    active: Slot | None = None
    fallback: Slot | None = None
    releases: Mapping[Slot, str] = _NONE
    highest: int = 0
    rollout: int = 0
    trial: Trial | None = None
    refused: Mapping[str, str] = _NONE
    proofs: Mapping[str, int] = _NONE
    format: int = FORMAT

    @classmethod
    def read(cls, root: Path) -> State:
        """The state of a device, empty if it has none yet; raises Corrupt if it is not what was written."""
        try:
            return cls.decode(files.read(root / STATE, MOST))
        except NotFound:
            return cls()

    @classmethod
    def decode(cls, data: bytes) -> State:
        """Read a stored state; raises Corrupt if it is none, is damaged, or is of a newer format."""
        return read_artefact(data, STATE, FORMAT, cls._of)

    @classmethod
    def _of(cls, fields: dict[str, Any]) -> State:
        if fields.pop("check") != content_version(fields):
            raise Corrupt(f"{STATE} is damaged: its hash is another.")
        trial = fields["trial"]
        return cls(**{**fields, "trial": None if trial is None else Trial(**trial)})

    def encode(self) -> bytes:
        """The bytes that are stored."""
        fields = {**self._asdict(), "trial": None if self.trial is None else self.trial._asdict()}
        return canonical_json({**fields, "check": content_version(fields)})

    @property
    def release(self) -> str | None:
        """The release that answers."""
        return None if self.active is None else self.releases.get(self.active)

    @property
    def previous(self) -> str | None:
        """The release that can be gone back to."""
        return None if self.fallback is None else self.releases.get(self.fallback)

    @property
    def idle(self) -> Slot:
        """The slot that the next release goes to."""
        return "b" if self.active == "a" else "a"

    def emptied(self, slot: Slot) -> State:
        """Before the content of a slot changes: nothing is expected there, and nobody goes back to it."""
        others = {each: release for each, release in self.releases.items() if each != slot}
        return self._replace(fallback=None if self.fallback == slot else self.fallback, releases=others)

    def swapped(self, release: str, sequence: int, *, keep: bool) -> State:
        """The idle slot answers, on trial; the one before can be gone back to if it is to be kept."""
        return self._replace(
            active=self.idle,
            fallback=self.active if keep else None,
            releases={**self.releases, self.idle: release},
            highest=max(self.highest, sequence),
            trial=Trial(release),
            proofs={},
        )

    def kept(self) -> State:
        """The trial is passed."""
        return self._replace(trial=None)

    def left(self, reason: str | None) -> State:
        """The fallback answers; the release before is refused from now on if there is a reason that it gave itself."""
        refused = self if reason is None or self.release is None else self.refusing(self.release, reason)
        return refused._replace(active=self.fallback, fallback=None, trial=None)

    def refusing(self, release: str, reason: str) -> State:
        """The release is not taken again; of very many the one of the lowest sequence is forgotten."""
        known = dict(sorted({**self.refused, release: reason}.items())[-REMEMBERED:])
        return self._replace(refused=known, proofs=_without(self.proofs, release))

    def forgiving(self, release: str) -> State:
        """The release may be tried again."""
        return self._replace(refused=_without(self.refused, release), proofs=_without(self.proofs, release))

    def proving(self, release: str) -> State:
        """One more proof of the release has begun."""
        return self._replace(proofs={release: self.proofs.get(release, 0) + 1})


def change(root: Path, how: Callable[[State], State]) -> State:
    """Replace the state by what `how` makes of it, alone among all processes; raises Corrupt, NoRoom."""
    with files.locked(root / LOCK):
        before = State.read(root)
        after = how(before)
        if after != before:
            files.replace(root / STATE, after.encode())
    return after


def _without(known: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {each: value for each, value in known.items() if each != name}
