"""What a version answered, beside its truth, window by window and in bounded memory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ..domain.drift.report import Span
from ..domain.metrics.bootstrap import sample
from ..domain.model import ModelManifest
from ..domain.performance.judged import Judged, kept
from ..domain.performance.reference import Reference
from ..domain.performance.windows import Times, WindowUnit, starts_of, unit_of
from ..tables.arrow import TEXT
from ..tables.matching import Matching
from ..tables.predictions import Answered
from .answer_records import MOST, foreseeable, records_of
from .labels import keys_of
from .sources import Source

GROUPS = 50
OTHER, MISSING = "(other)", "(missing)"
"""The group of every value beyond the first fifty of a column, and of no value."""


@dataclass(slots=True)
class Slicing:
    """Columns that rows are sliced by, and the numbers of their values, given in the order in which they are met."""

    columns: tuple[str, ...]
    features: frozenset[str]
    _numbers: list[dict[str, int]] = field(init=False)

    def __post_init__(self) -> None:
        self._numbers = [{} for _ in self.columns]

    def groups(self, place: int) -> tuple[str, ...]:
        """The names of the groups of a column, by number."""
        return tuple(self._numbers[place])

    def of(self, answered: Answered) -> NDArray[np.int32]:
        """The number of each row's group in each column [n, columns]."""
        codes = [self._codes(place, self._texts(answered, name)) for place, name in enumerate(self.columns)]
        empty: NDArray[np.int32] = np.zeros((len(answered), 0), np.int32)
        return np.stack(codes, axis=1) if codes else empty

    def _texts(self, answered: Answered, name: str) -> pa.Array:
        values = answered.columns.get(name) if name in self.features else answered.sensitive.get(name)
        if values is None:
            return pa.nulls(len(answered), TEXT)
        if values.dtype == np.dtype(object):
            return pa.array(values, TEXT)
        return pa.array([None if np.isnan(value) else _text(value) for value in values.tolist()], TEXT)

    def _codes(self, place: int, texts: pa.Array) -> NDArray[np.int32]:
        coded = texts.fill_null(MISSING).dictionary_encode()
        numbers = np.array([self._number(place, name) for name in coded.dictionary.to_pylist()], np.int32)
        codes: NDArray[np.int32] = numbers[coded.indices.to_numpy()]
        return codes

    def _number(self, place: int, name: str) -> int:
        known = self._numbers[place]
        return known.setdefault(name if name in known or len(known) < GROUPS else OTHER, len(known))


def _text(value: float) -> str:
    """A boolean, or a number, as people write it."""
    return {0.0: "false", 1.0: "true"}.get(value, f"{value:g}")


@dataclass(slots=True)
class JudgedRows:
    """Rows in files of `folder`, one a window. `counts` has how many there are and how many of them have a label.

    `foreseeable` tells whether performance can be estimated of all of them.
    """

    folder: Path
    manifest: ModelManifest
    reference: Reference | None
    slicing: Slicing
    seed: int
    unit: WindowUnit | None = None
    counts: dict[np.datetime64, tuple[int, int]] = field(default_factory=dict)
    foreseeable: bool = True
    _first: np.datetime64 = field(default_factory=lambda: np.datetime64("NaT"))
    _last: np.datetime64 = field(default_factory=lambda: np.datetime64("NaT"))

    @property
    def by(self) -> str:
        """Which times windows are of: the model's own, where it has one."""
        return "answered" if self.manifest.schema.time is None else "time"

    @property
    def dtype(self) -> np.dtype[Any]:
        """What is kept of a row."""
        return kept(len(self.manifest.classes), len(self.slicing.columns))

    def add(self, matching: Matching, source: Source, units: Iterable[str]) -> None:
        """Read the answers of `units` into `matching`."""
        for unit in units:
            for answered in source.rows(unit, self.manifest, Span()):
                self.foreseeable &= foreseeable(answered, self.manifest)
                if len(answered):
                    matching.add_rows(keys_of(answered), self._records(answered))

    def part(self, matching: Matching) -> None:
        """Part what was matched by window; each window is chosen as long as the span of all rows asks for."""
        if not matching.rows:
            return
        self.unit = self.unit or unit_of(self._first, self._last)
        for records, truth, _ in matching.matched():
            records["truth"] = truth
            self._write(records, starts_of(records["time"], self.unit))

    def windows(self) -> list[np.datetime64]:
        """When each window starts, the oldest first."""
        return sorted(self.counts)

    def read(self, starts: Sequence[np.datetime64]) -> Judged:
        """The rows of these windows; of more than a million a seeded sample."""
        rows, labelled = (sum(self.counts[start][at] for start in starts) for at in (0, 1))
        most = MOST * min(1.0, MOST / rows) if rows else 0
        parts = [self._read(start, round(self.counts[start][0] * most / MOST)) for start in starts]
        return Judged(np.concatenate(parts), rows, labelled)

    def newest(self, enough: int) -> list[np.datetime64]:
        """The newest windows that together have `enough` labels, or all that have any; the oldest first."""
        chosen: list[np.datetime64] = []
        found = 0
        for start in reversed(self.windows()):
            if found < enough and self.counts[start][1]:
                chosen.insert(0, start)
                found += self.counts[start][1]
        return chosen

    def _read(self, start: np.datetime64, most: int) -> NDArray[Any]:
        stored: NDArray[Any] = np.memmap(self._path(start), self.dtype, mode="r")
        return np.array(stored[sample(len(stored), self.seed, max(1, most))])

    def _write(self, records: NDArray[Any], starts: Times) -> None:
        order = np.argsort(starts, kind="stable")
        found, cuts = np.unique(starts[order], return_index=True)
        for start, rows in zip(found, np.split(order, cuts[1:]), strict=True):
            part = records[rows]
            with self._path(start).open("ab") as file:
                file.write(part.tobytes())
            before, labelled = self.counts.get(start, (0, 0))
            self.counts[start] = before + len(part), labelled + int(np.count_nonzero(~np.isnan(part["truth"])))

    def _path(self, start: np.datetime64) -> Path:
        return self.folder / f"window-{start}"

    def _records(self, answered: Answered) -> NDArray[Any]:
        records = records_of(answered, self.manifest, self.reference, len(self.slicing.columns))
        records["slices"] = self.slicing.of(answered)
        records["time"] = self._times(answered)
        self._first = np.fmin(self._first, records["time"].min())
        self._last = np.fmax(self._last, records["time"].max())
        return records

    def _times(self, answered: Answered) -> Times:
        """The row's own time; where it has none, that of answering."""
        if answered.times is None:
            return answered.answered_at
        return np.where(np.isnat(answered.times), answered.answered_at, answered.times)
