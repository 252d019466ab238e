"""A column's distribution in a few kilobytes: numbers by their quantiles, categories by their counts.

Both keep exact counts. What they leave out is where values lie between two neighbouring edges: at most one row in 800,
see `NumberSketch.resolution`.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .schema import NULL_CATEGORY

EDGES = 800
"""How many quantiles of a number are kept, the smallest and the largest value among them."""
CATEGORIES = 1000
CATEGORY_BYTES = 16_384
"""How many categories are kept by name, and how many bytes all their names may have; the others are `other`."""
BUCKETS = 32

Counts = NDArray[np.int64]
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class NumberSketch:
    """A number, integer, probability or prediction.

    `edges` ascend. Of the values, `ties[i]` equal `edges[i]` and `gaps[i]` lie between `edges[i - 1]` and
    `edges[i]`. Infinities count as the largest numbers of float32.
    """

    rows: int
    nulls: int
    edges: tuple[float, ...]
    gaps: tuple[int, ...]
    ties: tuple[int, ...]

    @property
    def count(self) -> int:
        """Values that are not null."""
        return self.rows - self.nulls

    @property
    def null_share(self) -> float:
        """Share of the rows that are null; 0 of no rows."""
        return self.nulls / self.rows if self.rows else 0.0

    @property
    def minimum(self) -> float | None:
        """The smallest value, exactly."""
        return self.edges[0] if self.edges else None

    @property
    def maximum(self) -> float | None:
        """The largest value, exactly."""
        return self.edges[-1] if self.edges else None

    @property
    def upto(self) -> Counts:
        """For each edge, how many values are not above it."""
        return np.cumsum(np.array([self.gaps, self.ties], dtype=np.int64).sum(axis=0))

    @property
    def below(self) -> Counts:
        """For each edge, how many values are below it."""
        return self.upto - np.array(self.ties, dtype=np.int64)

    @property
    def resolution(self) -> float:
        """The largest share of values that lies between two edges: how far a KS statistic may be understated."""
        return max(self.gaps, default=0) / max(self.count, 1)

    def quantile(self, share: float) -> float | None:
        """The smallest edge that at least `share` of the values do not exceed; None if there are no values."""
        if not self.edges:
            return None
        return self.edges[min(int(np.searchsorted(self.upto, share * self.count)), len(self.edges) - 1)]

    @classmethod
    def of(cls, values: NDArray[Any]) -> NumberSketch:
        """Summarise [n] numbers, NaN for null.

        >>> sketch = NumberSketch.of(np.array([3.0, 1.0, 2.0, np.nan, 2.0]))
        >>> sketch.edges, sketch.ties, sketch.nulls, sketch.quantile(0.5)
        ((1.0, 2.0, 3.0), (1, 2, 1), 1, 2.0)
        """
        ordered = ordered_values(values)
        count = len(ordered)
        ranks = np.linspace(0, count - 1, min(count, EDGES)).round().astype(np.int64)
        edges = np.unique(ordered[ranks])
        below, upto = located(ordered, edges)
        gaps = below - np.concatenate(([0], upto[:-1])) if count else below
        shortest = tuple(float(str(edge)) for edge in edges)
        return cls(len(values), len(values) - count, shortest, tuple(gaps.tolist()), tuple((upto - below).tolist()))


def ordered_values(values: NDArray[Any]) -> Floats:
    """The values in ascending order as float32, without nulls, infinities as the largest numbers."""
    floats = np.asarray(values, dtype=np.float32)
    largest = np.finfo(np.float32).max
    ordered = np.sort(np.clip(floats, -largest, largest))  # NaN sorts last
    return ordered[: len(ordered) - int(np.isnan(ordered).sum())]


def located(ordered: Floats, edges: Floats) -> tuple[Counts, Counts]:
    """For each edge, how many of the ordered values are below it, and how many are not above it."""
    return np.searchsorted(ordered, edges, "left"), np.searchsorted(ordered, edges, "right")


@dataclass(frozen=True, slots=True)
class CategoryCounts:
    """A category, a boolean (as "true" and "false") or a label.

    `counts` has the most frequent categories, and `other` the rows of all the rest. `buckets`, empty unless there is a
    rest, counts the rows by a hash of their category: comparing those needs no choice of categories, and a choice by
    the counts themselves would look like drift.
    """

    rows: int
    nulls: int
    counts: Mapping[str, int] = field(hash=False)
    other: int = 0
    buckets: tuple[int, ...] = ()

    @property
    def count(self) -> int:
        """Rows that are not null."""
        return self.rows - self.nulls

    @property
    def null_share(self) -> float:
        """Share of the rows that are null; 0 of no rows."""
        return self.nulls / self.rows if self.rows else 0.0

    @classmethod
    def of(cls, values: NDArray[Any]) -> CategoryCounts:
        """Summarise [n] strings with `NULL_CATEGORY` for null, or [n] booleans as 1, 0 and NaN.

        >>> counts = CategoryCounts.of(np.array(["a", "b", "a", NULL_CATEGORY], dtype=object))
        >>> dict(counts.counts), counts.nulls
        ({'a': 2, 'b': 1}, 1)
        """
        nulls, seen = counted(values)
        kept = dict(_most_frequent(seen))
        rest = len(kept) < len(seen)
        other = seen.total() - sum(kept.values())
        return cls(len(values), nulls, kept, other, tuple(bucketed(seen).tolist()) if rest else ())


def counted(values: NDArray[Any]) -> tuple[int, Counter[str]]:
    """How many rows are null, and how many each category has."""
    if values.dtype != object:
        return _booleans(values)
    counts = Counter(values.tolist())
    return counts.pop(NULL_CATEGORY, 0), counts


def bucketed(counts: Mapping[str, int]) -> Counts:
    """[BUCKETS] rows by the CRC-32 of their category's UTF-8, the same everywhere."""
    buckets = np.zeros(BUCKETS, dtype=np.int64)
    for category, rows in counts.items():
        buckets[zlib.crc32(category.encode()) % BUCKETS] += rows
    return buckets


def _booleans(values: NDArray[Any]) -> tuple[int, Counter[str]]:
    nulls = int(np.isnan(values).sum())
    true = int((values == 1).sum())
    counts = {"true": true, "false": len(values) - nulls - true}
    return nulls, Counter({name: rows for name, rows in counts.items() if rows})


def most_frequent_first(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    """Categories with their rows in a stable order: by rows, then by name."""
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def _most_frequent(counts: Counter[str]) -> Iterable[tuple[str, int]]:
    size = 0
    for category, rows in most_frequent_first(counts)[:CATEGORIES]:
        size += len(category.encode())
        if size > CATEGORY_BYTES:
            return
        yield category, rows
