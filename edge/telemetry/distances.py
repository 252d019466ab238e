"""How far the newest values of one column are from its reference, and whether that can be chance.

A distance d of n values from a reference of m is exceeded by chance with a probability of at most c exp(-2 d² h) with
h = n m / (n + m): c = 2 for distribution functions (Smirnov 1939, the first term of his limit, which bounds it) and for
one share (Hoeffding 1963, "Probability inequalities for sums of bounded random variables", 2.7), and c = 2^k for the
distance between the shares of k categories (Weissman et al. 2003, "Inequalities for the L1 deviation of the empirical
distribution").
"""

from __future__ import annotations

import math
from collections import Counter
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.domain.drift.contingency import changed_share
from core.domain.drift.kolmogorov_smirnov import distance
from core.domain.drift.tally import CategoryTally, NumberTally, tally
from core.domain.sketch import CategoryCounts, NumberSketch, Summary, bucketed

LARGE = 0.08
"""The share of rows that counts, as in the cloud's check."""
FALSE_ALARMS = 0.001
ENOUGH = 500
"""Rows below which nothing is said to drift."""
UNSEEN = "\0"
"""Stands for every category that training has not seen; none can be called that."""


class Figure(NamedTuple):
    """The share of rows that is otherwise; `rows` it was found in, and the logarithm of a bound on its probability."""

    share: float
    rows: int
    log_chance: float

    def drifted(self, tests: int) -> bool:
        """Whether it is large, and no accident among so many columns."""
        certain = self.log_chance + math.log(2 * tests) < math.log(FALSE_ALARMS)  # two distances a column
        return certain and self.share >= LARGE and self.rows >= ENOUGH


class ColumnWindow:
    """Counts the newest values of a column in two halves, each of bounded size."""

    def __init__(self, reference: Summary) -> None:
        self._reference = reference
        self._newer: NumberTally | CategoryTally | None = None
        self._older: NumberTally | CategoryTally | None = None

    def add(self, values: NDArray[Any]) -> None:
        """Count [n] values, as `columns.Columns` has them."""
        counted = _bounded(self._reference, tally(self._reference, values))
        self._newer = counted if self._newer is None else self._newer + counted  # type: ignore[operator]

    def turn(self) -> None:
        """A new half begins, and the older one is forgotten."""
        self._older, self._newer = self._newer, None

    def figure(self) -> Figure | None:
        """The larger of the distances between nulls and between values; None before the first value."""
        halves = [half for half in (self._older, self._newer) if half is not None]
        if not halves or not self._reference.rows:
            return None
        window = halves[0] if len(halves) == 1 else halves[0] + halves[1]  # type: ignore[operator]
        nulls = abs(window.nulls / window.rows - self._reference.null_share)
        found = [_figure(nulls, window.rows, self._reference.rows, 1)]
        if window.count and self._reference.count:
            share, cells = _distance(self._reference, window)
            found.append(_figure(share, window.count, self._reference.count, cells))
        return max(found)


def _figure(share: float, rows: int, known: int, cells: int) -> Figure:
    return Figure(share, rows, cells * math.log(2) - 2 * share**2 * rows * known / (rows + known))


def _distance(reference: Summary, window: NumberTally | CategoryTally) -> tuple[float, int]:
    """How far values are off, and between how many cells."""
    if isinstance(reference, NumberSketch):
        assert isinstance(window, NumberTally)
        return distance(reference, window), 1
    assert isinstance(window, CategoryTally)
    known = _cells(reference)
    counts = np.array([[side.get(name, 0) for name in (*known, UNSEEN)] for side in (known, window.counts)], np.int64)
    return changed_share(counts[:, counts.any(axis=0)]), len(known) + 1


def _bounded(reference: Summary, window: NumberTally | CategoryTally) -> NumberTally | CategoryTally:
    """A tally whose size depends on the reference alone: categories that it does not know count as one."""
    if not isinstance(window, CategoryTally):
        return window
    assert isinstance(reference, CategoryCounts)
    counts: Counter[str] = Counter()
    if reference.buckets:
        counts.update(_named(bucketed(window.counts).tolist()))
    else:
        for name, rows in window.counts.items():
            counts[name if name in reference.counts else UNSEEN] += rows
    return CategoryTally(window.rows, window.nulls, counts)


def _cells(reference: CategoryCounts) -> dict[str, int]:
    """Categories by name, or buckets of them where there are too many to be known by name."""
    return _named(reference.buckets) if reference.buckets else dict(reference.counts)


def _named(buckets: list[int] | tuple[int, ...]) -> dict[str, int]:
    return {str(number): rows for number, rows in enumerate(buckets)}
