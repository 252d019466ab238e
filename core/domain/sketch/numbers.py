"""A number by its quantiles, with exact counts at each and the mean of what lies between."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .packing import pack, unpack_counts, unpack_floats

EDGES = 800
"""How many quantiles of a number are kept, the smallest and the largest value among them."""

_PLAIN = ("rows", "nulls", "mean", "deviation", "error")

Counts = NDArray[np.int64]
Floats = NDArray[np.float32]
Sums = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class NumberSketch:
    """A number, integer, probability or prediction.

    `edges` [k] ascend. Of the values, `ties[i]` equal `edges[i]`, and `gaps[i]` lie between `edges[i - 1]` and
    `edges[i]` with the mean `means[i]`. `mean` and `deviation` (population) are of all values. Infinities count as the
    largest numbers of float32. A count up to an edge, `below` or `upto`, is off by at most `error` rows: 0 unless the
    sketch was merged from parts.
    """

    rows: int
    nulls: int
    edges: Floats
    gaps: Counts
    ties: Counts
    means: Floats
    mean: float
    deviation: float
    error: int = 0

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
        return _shortest(self.edges[0]) if len(self.edges) else None

    @property
    def maximum(self) -> float | None:
        """The largest value, exactly."""
        return _shortest(self.edges[-1]) if len(self.edges) else None

    @property
    def upto(self) -> Counts:
        """For each edge, how many values are not above it."""
        return np.cumsum(self.gaps + self.ties)

    @property
    def below(self) -> Counts:
        """For each edge, how many values are below it."""
        return self.upto - self.ties

    @property
    def resolution(self) -> float:
        """The largest share of values that lies between two edges: how far a KS statistic may be understated."""
        return int(self.gaps.max(initial=0)) / max(self.count, 1)

    @property
    def exact(self) -> bool:
        """Whether it holds every value."""
        return not self.error and not self.gaps.any()

    def quantile(self, share: float) -> float | None:
        """The smallest edge that at least `share` of the values do not exceed; None if there are no values."""
        if not len(self.edges):
            return None
        return _shortest(self.edges[min(int(np.searchsorted(self.upto, share * self.count)), len(self.edges) - 1)])

    @classmethod
    def of(cls, values: NDArray[Any]) -> NumberSketch:
        """Summarise [n] numbers, NaN for null.

        >>> sketch = NumberSketch.of(np.array([3.0, 1.0, 2.0, np.nan, 2.0]))
        >>> sketch.edges.tolist(), sketch.ties.tolist(), sketch.nulls, sketch.quantile(0.5)
        ([1.0, 2.0, 3.0], [1, 2, 1], 1, 2.0)
        """
        ordered = ordered_values(values)
        count = len(ordered)
        ranks = np.linspace(0, count - 1, min(count, EDGES)).round().astype(np.int64)
        edges = np.unique(ordered[ranks])
        below, upto = located(ordered, edges)
        gaps = below - np.concatenate(([0], upto))[: len(below)]
        sums = gap_sums(ordered, below, upto)[: len(gaps)]
        means = (sums / np.maximum(gaps, 1)).astype(np.float32)
        mean, deviation = (float(ordered.mean(dtype=np.float64)), _deviation(ordered)) if count else (0.0, 0.0)
        return cls(len(values), len(values) - count, edges, gaps, upto - below, means, mean, deviation)

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values; `from_json` is the inverse."""
        arrays = {name: pack(getattr(self, name)) for name in ("edges", "gaps", "ties", "means")}
        return {**arrays, **{name: getattr(self, name) for name in _PLAIN}}

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> NumberSketch:
        """Rebuild a sketch; raises KeyError, TypeError or ValueError if it is none."""
        return cls(
            edges=unpack_floats(fields["edges"]),
            gaps=unpack_counts(fields["gaps"]),
            ties=unpack_counts(fields["ties"]),
            means=unpack_floats(fields["means"]),
            **{name: fields[name] for name in _PLAIN},
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, NumberSketch) and self.to_json() == other.to_json()

    __hash__ = None  # type: ignore[assignment]


def ordered_values(values: NDArray[Any]) -> Floats:
    """The values in ascending order as float32, without nulls, infinities as the largest numbers."""
    floats = np.asarray(values, dtype=np.float32)
    largest = np.finfo(np.float32).max
    ordered = np.sort(np.clip(floats, -largest, largest))  # NaN sorts last
    return ordered[: np.searchsorted(ordered, np.float32(np.nan), "left")]


def located(ordered: Floats, edges: Floats) -> tuple[Counts, Counts]:
    """For each edge, how many of the ordered values are below it, and how many are not above it."""
    return np.searchsorted(ordered, edges, "left"), np.searchsorted(ordered, edges, "right")


def gap_sums(ordered: Floats, below: Counts, upto: Counts) -> Sums:
    """[k + 1] sums of the ordered values in the gap before each edge, and behind the last one."""
    bounds = np.zeros(2 * len(below) + 2, dtype=np.int64)
    bounds[2::2] = upto  # a gap starts behind the edge before it, and ends at the edge
    bounds[1:-1:2] = below
    bounds[-1] = len(ordered)
    sums = np.add.reduceat(np.append(ordered, np.float32(0)), bounds, dtype=np.float64)[::2]
    sums[bounds[1::2] == bounds[::2]] = 0  # reduceat takes the next value where there is none
    return np.asarray(sums)


def _deviation(ordered: Floats) -> float:
    return float(ordered.std(dtype=np.float64))


def _shortest(value: np.float32) -> float:
    """The float64 of the fewest digits that is this float32."""
    return float(str(value))
