"""A window of rows, counted against a reference. Counts add up, so a window of any size is read part by part."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..sketch import CategoryCounts, Counts, NumberSketch, counted, located, ordered_values


@dataclass(frozen=True, slots=True)
class NumberTally:
    """How many of the window's values are below, and how many not above, each edge of the reference."""

    rows: int
    nulls: int
    below: Counts
    upto: Counts

    @property
    def count(self) -> int:
        """Values that are not null."""
        return self.rows - self.nulls

    def __add__(self, other: NumberTally) -> NumberTally:
        """Both windows in one."""
        return NumberTally(
            self.rows + other.rows, self.nulls + other.nulls, self.below + other.below, self.upto + other.upto
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
    below, upto = located(ordered, np.array(reference.edges, dtype=np.float32))
    return NumberTally(len(values), len(values) - len(ordered), below, upto)


def category_tally(values: NDArray[Any]) -> CategoryTally:
    """Count [n] strings with NULL_CATEGORY for null, or [n] booleans as 1, 0 and NaN."""
    nulls, counts = counted(values)
    return CategoryTally(len(values), nulls, counts)


def tally(reference: NumberSketch | CategoryCounts, values: NDArray[Any]) -> Tally:
    """Count the values of one column against its reference."""
    return number_tally(reference, values) if isinstance(reference, NumberSketch) else category_tally(values)
