"""The route: which version serves a model, and how traffic is shared. The only mutable object."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from ..errors import Refused
from .artefact import read_artefact
from .canonical import canonical_json

FORMAT = 1
REMEMBERED = 50
"""How many earlier champions a route remembers to roll back to, and how many changes to recognise."""

Mode = Literal["direct", "canary", "shadow", "ab"]


@dataclass(frozen=True, slots=True)
class Change:
    """What one decision made of the route, kept so that it can still be told after later decisions."""

    decision: str
    champion: str
    challenger: str | None
    revision: int


@dataclass(frozen=True, slots=True)
class Route:
    """Who serves. `earlier` are the champions before this one, newest first. `revision` counts changes from 1.

    `changes` are the newest ones, the last one last: a repeated decision is recognised by them.
    """

    model: str
    champion: str
    challenger: str | None = None
    mode: Mode = "direct"
    share: float = 0.0
    earlier: tuple[str, ...] = ()
    revision: int = 1
    changes: tuple[Change, ...] = ()
    format: int = FORMAT

    @classmethod
    def first(cls, model: str, version: str, decision: str) -> Route:
        """The route of a model that nothing served before."""
        return cls(model, version, changes=(Change(decision, version, None, 1),))

    def encode(self) -> bytes:
        """The bytes that are stored."""
        return canonical_json(asdict(self))

    @classmethod
    def decode(cls, data: bytes) -> Route:
        """Read a stored route; raises Corrupt if it is none, or of a newer format."""
        return read_artefact(data, "route", FORMAT, cls._of)

    @classmethod
    def _of(cls, fields: dict[str, Any]) -> Route:
        changes = tuple(Change(**change) for change in fields["changes"])
        return cls(**{**fields, "earlier": tuple(fields["earlier"]), "changes": changes})

    def made_by(self, decision: str) -> Change | None:
        """What that decision changed, or None if it is not among those remembered."""
        return next((change for change in self.changes if change.decision == decision), None)

    def promoted(self, version: str, decision: str) -> Route:
        """The route after `version` became champion; the one before it can be rolled back to."""
        earlier = self.earlier if version == self.champion else (self.champion, *self.earlier)[:REMEMBERED]
        return self._direct(version, earlier, decision)

    def rolled_back(self, decision: str, *, to: str | None = None) -> Route:
        """The route with the champion before, or the earlier one that is named; raises Refused if there is none."""
        if not self.earlier or (to is not None and to not in self.earlier):
            raise Refused(f"model {self.model} has no earlier version{f' {to}' if to else ''} to roll back to.")
        place = 0 if to is None else self.earlier.index(to)
        return self._direct(self.earlier[place], self.earlier[place + 1 :], decision)

    def challenged(self, version: str, mode: Mode, share: float, decision: str) -> Route:
        """The route with a challenger beside the champion; `share` of requests are its (0 to 1, not inclusive)."""
        if mode == "direct" or version == self.champion:
            raise Refused("a challenger is another version than the champion, in mode canary, shadow or ab.")
        if not 0 < share < 1:
            raise Refused(f"share {share} must lie between 0 and 1.")
        return _noted(replace(self, challenger=version, mode=mode, share=share), decision)

    def settled(self, revision: int, decision: str, *, promote: bool) -> Route:
        """The route after its challenger has won or lost; raises Refused if it is not of that `revision` any more."""
        if self.challenger is None or self.revision != revision:
            raise Refused(f"the route of model {self.model} has changed since revision {revision}: judge it anew.")
        if promote:
            return self.promoted(self.challenger, decision)
        return self._direct(self.champion, self.earlier, decision)

    def _direct(self, champion: str, earlier: tuple[str, ...], decision: str) -> Route:
        return _noted(
            replace(self, champion=champion, earlier=earlier, challenger=None, mode="direct", share=0.0), decision
        )


def _noted(route: Route, decision: str) -> Route:
    change = Change(decision, route.champion, route.challenger, route.revision + 1)
    return replace(route, revision=change.revision, changes=(*route.changes, change)[-REMEMBERED:])
