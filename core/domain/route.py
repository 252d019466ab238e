"""The route: which version serves a model, and how traffic is shared. The only mutable object."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from typing import Literal

from ..errors import Corrupt, Refused
from .canonical import canonical_json

FORMAT = 1
REMEMBERED = 50
"""How many earlier champions a route remembers to roll back to, and how many decisions to recognise."""

Mode = Literal["direct", "canary", "shadow", "ab"]


@dataclass(frozen=True, slots=True)
class Route:
    """Who serves. `earlier` are the champions before this one, newest first. `revision` counts changes from 1.

    `decisions` are those that made the newest changes, the last one last: a repeated decision is recognised by it.
    """

    model: str
    champion: str
    challenger: str | None = None
    mode: Mode = "direct"
    share: float = 0.0
    earlier: tuple[str, ...] = ()
    revision: int = 1
    decisions: tuple[str, ...] = ()
    format: int = FORMAT

    def encode(self) -> bytes:
        """The bytes that are stored."""
        return canonical_json(asdict(self))

    @classmethod
    def decode(cls, data: bytes) -> Route:
        """Read a stored route; raises Corrupt if it is none, or of a newer format."""
        try:
            fields = json.loads(data)
            if fields["format"] > FORMAT:
                raise Corrupt(
                    f"route has format {fields['format']}, this Tidemill reads up to {FORMAT}: update Tidemill."
                )
            lists = {name: tuple(fields[name]) for name in ("earlier", "decisions")}
            return cls(**{**fields, **lists})
        except (ValueError, KeyError, TypeError) as error:
            raise Corrupt(f"route cannot be read: {error!r}.") from error

    def promoted(self, version: str, decision: str) -> Route:
        """The route after `version` became champion; the one before it can be rolled back to."""
        if version == self.champion and self.challenger is None:
            return self
        earlier = self.earlier if version == self.champion else (self.champion, *self.earlier)[:REMEMBERED]
        return self._direct(version, earlier, decision)

    def rolled_back(self, decision: str) -> Route:
        """The route with the champion before; raises Refused if there was none."""
        if not self.earlier:
            raise Refused(f"model {self.model} has no earlier version to roll back to.")
        return self._direct(self.earlier[0], self.earlier[1:], decision)

    def challenged(self, version: str, mode: Mode, share: float, decision: str) -> Route:
        """The route with a challenger beside the champion; `share` of requests are its (0 to 1, not inclusive)."""
        if mode == "direct" or version == self.champion:
            raise Refused("a challenger is another version than the champion, in mode canary, shadow or ab.")
        if not 0 < share < 1:
            raise Refused(f"share {share} must lie between 0 and 1.")
        return replace(self._next(decision), challenger=version, mode=mode, share=share)

    def _direct(self, champion: str, earlier: tuple[str, ...], decision: str) -> Route:
        return replace(
            self._next(decision), champion=champion, earlier=earlier, challenger=None, mode="direct", share=0.0
        )

    def _next(self, decision: str) -> Route:
        return replace(self, revision=self.revision + 1, decisions=(*self.decisions, decision)[-REMEMBERED:])
