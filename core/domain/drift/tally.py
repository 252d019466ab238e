"""A window of rows, counted against a reference. Counts add up, so a window of any size is read part by part."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..sketch import CategoryCounts, Counts, Floats, NumberSketch, Summary, counted, gap_sums, located, ordered_values

FEW = 4_096
"""Of so many values a window keeps each, so that distances to an exact reference are exact."""


@dataclass(frozen=True, slots=True, eq=False)
class NumberTally:
    """How many of the window's values are below, and how many not above, each of the reference's k edges.

    `sums` [k + 1] are of the values in the gap before each edge, and behind the last. `few` are the values in ascending
    order while there are at most FEW.
    """

    rows: int
    nulls: int
    below: Counts
    upto: Counts
    sums: NDArray[np.float64]
    few: Floats | None

    @property
    def count(self) -> int:
        """Values that are not null."""
        return self.rows - self.nulls

    def __add__(self, other: NumberTally) -> NumberTally:
        """Both windows in one."""
        return NumberTally(
            rows=self.rows + other.rows,
            nulls=self.nulls + other.nulls,
            below=self.below + other.below,
            upto=self.upto + other.upto,
            sums=self.sums + other.sums,
            few=_together(self.few, other.few),
        )


@dataclass(frozen=True, slots=True)
class CategoryTally:
    """How many of the window's rows have each category."""

    rows: int
    nulls: int
    counts: Counter[str]

    @property
    def count(self) -> int:
        """Rows that are not null."""
        return self.rows - self.nulls

    def __add__(self, other: CategoryTally) -> CategoryTally:
        """Both windows in one."""
        return CategoryTally(self.rows + other.rows, self.nulls + other.nulls, self.counts + other.counts)


Tally: TypeAlias = NumberTally | CategoryTally


def number_tally(reference: NumberSketch, values: NDArray[Any]) -> NumberTally:
    """Count [n] numbers, NaN for null. They are sorted once and the edges are looked up in them: n log n, not n log m.

    >>> reference = NumberSketch.of(np.array([1.0, 2.0, 3.0]))
    >>> number_tally(reference, np.array([2.0, 9.0, np.nan])).upto.tolist()
    [0, 1, 1]
    """
    ordered = ordered_values(values)
    below, upto = located(ordered, reference.edges)
    sums = gap_sums(ordered, below, upto)
    few = ordered if len(ordered) <= FEW else None
    return NumberTally(len(values), len(values) - len(ordered), below, upto, sums, few)


def category_tally(values: NDArray[Any]) -> CategoryTally:
    """Count [n] strings with NULL_CATEGORY for null, or [n] booleans as 1, 0 and NaN."""
    nulls, counts = counted(values)
    return CategoryTally(len(values), nulls, counts)


def tally(reference: Summary, values: NDArray[Any]) -> Tally:
    """Count the values of one column against its reference."""
    return category_tally(values) if isinstance(reference, CategoryCounts) else number_tally(reference, values)


def _together(first: Floats | None, second: Floats | None) -> Floats | None:
    if first is None or second is None or len(first) + len(second) > FEW:
        return None
    return np.sort(np.concatenate((first, second)))
