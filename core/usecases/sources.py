"""Where the answers of a version are read from: the cloud's own, or those that one group of devices sent back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

import numpy as np

from ..domain.drift.report import Span
from ..domain.model import ModelManifest
from ..ports import ObjectInfo, Reads, ReadsLists
from ..tables.predictions import Answered
from ..tables.telemetry import read_segment
from .answered import recent_units, rows_of, units, within
from .segments import segments_of, version_of_release


class Source(Protocol):
    """Answers, unit by unit. `group` is that of the devices that answered, None for the cloud itself."""

    @property
    def group(self) -> str | None:
        """Who answered."""
        ...

    @property
    def unusable(self) -> int:
        """How many records could not be used, of all units that were read."""
        ...

    def units(self) -> Iterator[str]:
        """The key of each unit."""
        ...

    def recent(self, manifest: ModelManifest, history: timedelta) -> list[str]:
        """The units of the last `history`."""
        ...

    def rows(self, unit: str, manifest: ModelManifest, span: Span) -> Iterator[Answered]:
        """The rows of a unit that the version of `manifest` answered, in the window alone if one was asked for."""
        ...


@dataclass(frozen=True, slots=True)
class CloudAnswers:
    """What the cloud answered, in realtime and in batch."""

    predictions: ReadsLists
    model: str
    group: None = None
    unusable: int = 0

    def units(self) -> Iterator[str]:
        """Each log, and each finished run."""
        return units(self.predictions, self.model)

    def recent(self, manifest: ModelManifest, history: timedelta) -> list[str]:
        """By the day of answering."""
        return recent_units(self.predictions, manifest, history)

    def rows(self, unit: str, manifest: ModelManifest, span: Span) -> Iterator[Answered]:
        """See `Source`."""
        return rows_of(self.predictions, unit, manifest, span)


@dataclass(slots=True)
class GroupAnswers:
    """What one group of devices answered with one version; `segments` are in the order of their keys.

    A record that a device sent twice counts once, in whichever of the segments that are read it comes first.
    """

    edge: Reads
    group: str
    segments: Sequence[ObjectInfo]
    unusable: int = 0
    _device: str = ""
    _seen: set[int] = field(default_factory=set)

    def units(self) -> Iterator[str]:
        """Each segment."""
        return (info.key for info in self.segments)

    def recent(self, manifest: ModelManifest, history: timedelta) -> list[str]:  # noqa: ARG002 - see `Source`
        """By the time of arrival: a device may be offline for weeks, and its clock may be wrong."""
        newest = max((info.modified for info in self.segments), default=None)
        return [info.key for info in self.segments if newest is not None and info.modified >= newest - history]

    def rows(self, unit: str, manifest: ModelManifest, span: Span) -> Iterator[Answered]:
        """See `Source`."""
        found = read_segment(self.edge, unit, manifest)
        self.unusable += found.unusable
        if found.answered is not None:
            rows = found.answered.take(self._new(unit, found.answered))
            yield within(rows, span) if span.asked else rows

    def _new(self, unit: str, rows: Answered) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Whether each row comes for the first time; ids are remembered while segments of one device follow."""
        device = unit.rpartition("/")[0]
        if device != self._device:
            self._device, self._seen = device, set()
        new = np.zeros(len(rows), bool)
        for row, name in enumerate(map(hash, rows.prediction_ids.tolist())):
            new[row] = name not in self._seen
            self._seen.add(name)
        return new


def groups_of(edge: ReadsLists, model: str) -> Mapping[tuple[str, str], Sequence[ObjectInfo]]:
    """(group, version) -> the segments that devices sent back, in the order of their keys."""
    found: dict[tuple[str, str], list[ObjectInfo]] = defaultdict(list)
    versions: dict[str, str | None] = {}
    for segment in segments_of(edge, model):
        release = segment.name.release
        if release not in versions:
            versions[release] = version_of_release(edge, model, release)
        version = versions[release]
        if version is not None:
            found[segment.group, version].append(segment.info)
    return found
