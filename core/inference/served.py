"""A version in memory, and the challenger that may stand beside it."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from ..domain.route import Route
from ..usecases.load_model import LoadedModel
from .refusals import Unfit
from .rows import RowReader


class Served(msgspec.Struct, frozen=True):
    """A version that proved itself, with the reader of its rows; `trial` is set for the champion of a route alone."""

    loaded: LoadedModel
    reader: RowReader
    trial: Trial | None = None

    @property
    def version(self) -> str:
        """Which version this is."""
        return self.loaded.version

    @property
    def size(self) -> int:
        """Bytes that it takes with its challenger, as far as can be told."""
        return self.loaded.size + (0 if self.trial is None else self.trial.challenger.size)

    def serves(self, version: str) -> bool:
        """Whether this is the version, or its challenger is."""
        return self.version == version or (self.trial is not None and self.trial.challenger.version == version)

    def alone(self) -> tuple[Served, ...]:
        """Each version of this by itself."""
        return (self,) if self.trial is None else (replace(self, trial=None), self.trial.challenger)


class Trial(msgspec.Struct, frozen=True):
    """A challenger, and the route that says how it takes part."""

    route: Route
    challenger: Served


def check_inputs(challenger: Served, champion: Served) -> None:
    """Raises Unfit if a challenger cannot answer the rows of a champion's requests."""
    ours, theirs = champion.loaded.manifest.schema, challenger.loaded.manifest.schema
    if (ours.task, ours.target) != (theirs.task, theirs.target):
        raise _strange(challenger, champion, f"it predicts {theirs.target!r} ({theirs.task})")
    known = {feature.name: feature.type for feature in ours.features}
    strange = [feature.name for feature in theirs.features if known.get(feature.name) != feature.type]
    if strange:
        raise _strange(challenger, champion, f"its feature {strange[0]!r} is none of theirs, or of another type")


def _strange(challenger: Served, champion: Served, how: str) -> Unfit:
    return Unfit(f"version {challenger.version} cannot answer requests to version {champion.version}: {how}.")
