"""The fairness report: how alike the groups of sensitive columns, and of pairs of them, were treated over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..canonical import canonical_json
from ..performance.judged import Judged
from ..performance.report import of_estimate
from .parity import UNLABELLED, Gap, Parity, Verdicts, parity

FORMAT = 1
BINARY = 2
MOST_CLASSES = 10
"""Of a model with more classes than this, only the first are looked at, each against the others."""


@dataclass(frozen=True, slots=True)
class Column:
    """A sensitive column: its place among the slices of rows, and the names of its groups by number."""

    name: str
    place: int
    groups: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """One column, or a pair of them, and one class that counts as positive; `groups` name each column's value."""

    positive: str
    groups: tuple[Mapping[str, str], ...] = field(hash=False)
    rows: tuple[int, ...]
    labelled: tuple[int, ...]
    parity: Parity

    def to_json(self) -> dict[str, Any]:
        """As in the report."""
        return {
            "columns": list(self.groups[0]),
            "positive": self.positive,
            "groups": [self._group(at) for at in range(len(self.groups))],
            "measures": {name: self._gap(gap) for name, gap in self.parity.gaps.items()},
        }

    def _group(self, at: int) -> dict[str, Any]:
        return {
            "group": self.groups[at],
            "rows": self.rows[at],
            "labelled": self.labelled[at],
            "rates": {name: of_estimate(rate) for name, rate in self.parity.rates(at).items()},
            "too_small": self.parity.too_small(at),
        }

    def _gap(self, gap: Gap | None) -> dict[str, Any] | None:
        if gap is None:
            return None
        return {
            "rate": gap.rate,
            "lowest": self.groups[gap.lowest],
            "highest": self.groups[gap.highest],
            "difference": of_estimate(gap.difference),
            "ratio": of_estimate(gap.ratio),
            "differs": gap.difference.low > 0,
        }


def sections(rows: Judged, columns: Sequence[Column], classes: Sequence[str], *, fewest: int) -> tuple[Section, ...]:
    """Every column and every pair of columns, for the positive class or for each of several."""
    positives = range(1, 2) if len(classes) == BINARY else range(min(len(classes), MOST_CLASSES))
    chosen = [*((column,) for column in columns), *combinations(columns, 2)]
    return tuple(
        _section(rows, some, classes[positive], positive, fewest)
        for some in chosen
        if len(rows)
        for positive in positives
    )


def _section(rows: Judged, columns: Sequence[Column], name: str, positive: int, fewest: int) -> Section:
    groups, number = _grouped(rows, columns)
    known = rows.known
    truth = np.where(known, rows.records["truth"] == positive, UNLABELLED).astype(np.int8)
    verdicts = Verdicts(number, rows.records["label"] == positive, truth)
    return Section(
        positive=name,
        groups=groups,
        rows=tuple(np.bincount(number, minlength=len(groups)).tolist()),
        labelled=tuple(np.bincount(number[known], minlength=len(groups)).tolist()),
        parity=parity(verdicts, len(groups), fewest=fewest),
    )


def _grouped(rows: Judged, columns: Sequence[Column]) -> tuple[tuple[Mapping[str, str], ...], NDArray[np.intp]]:
    """The groups that occur, and the number of each row's."""
    codes = rows.records["slices"][:, [column.place for column in columns]]
    found, number = np.unique(codes, axis=0, return_inverse=True)
    names = [
        {column.name: column.groups[code] for column, code in zip(columns, each, strict=True)}
        for each in found.tolist()
    ]
    return tuple(names), number.reshape(-1).astype(np.intp)


@dataclass(frozen=True, slots=True)
class FairnessReport:
    """`current` and `windows` are those of the performance report; each is (since and until, sections)."""

    model: str
    version: str
    fewest: int
    current: tuple[Mapping[str, str], tuple[Section, ...]] | None = field(hash=False)
    windows: tuple[tuple[Mapping[str, str], tuple[Section, ...]], ...] = field(hash=False)
    code: str

    def encode(self) -> bytes:
        """The bytes that are stored."""
        told = {
            "format": FORMAT,
            "kind": "fairness",
            "model": self.model,
            "version": self.version,
            "min_rows": self.fewest,
            "current": None if self.current is None else _told(*self.current),
            "windows": [_told(*window) for window in self.windows],
            "code": self.code,
        }
        return canonical_json(told)


def _told(window: Mapping[str, str], found: Sequence[Section]) -> dict[str, Any]:
    return {**window, "sections": [section.to_json() for section in found]}
