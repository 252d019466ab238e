"""One sketch of many: exact at the edges that all parts have, and within a stated error at the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .numbers import EDGES, Counts, Floats, NumberSketch, Sums


@dataclass(frozen=True, slots=True)
class _Cumulated:
    """What lies below, at and up to each of [k] edges: rows, and the sum of the values below."""

    below: Counts
    upto: Counts
    sums: Sums

    def __add__(self, other: _Cumulated) -> _Cumulated:
        return _Cumulated(self.below + other.below, self.upto + other.upto, self.sums + other.sums)


def merged_numbers(parts: Sequence[NumberSketch]) -> NumberSketch:
    """One of all rows of the parts, at best in one call: merging what was merged adds errors up.

    At an edge of one part, the rows of another part that are not above it are known to within that part's gap. So a
    count is off by at most the sum of the parts' largest gaps: one row in 798 of all rows, however many the parts.

    >>> parts = [NumberSketch.of(np.arange(0.0, 9.0, 2)), NumberSketch.of(np.arange(1.0, 9.0, 2))]
    >>> whole = merged_numbers(parts)
    >>> whole.edges.tolist() == list(range(9)), whole.error
    (True, 0)
    """
    full = [part for part in parts if part.count]
    rows, nulls = sum(part.rows for part in parts), sum(part.nulls for part in parts)
    if not full:
        return NumberSketch.of(np.full(rows, np.nan, np.float32))
    edges = np.unique(np.concatenate([part.edges for part in full]))
    first, *others = (_cumulated(part, edges) for part in full)
    whole = sum(others, first)
    kept = _evenly(whole.upto, rows - nulls)
    error = sum(part.error + (0 if np.isin(edges, part.edges).all() else int(part.gaps.max())) for part in full)
    mean, deviation = _moments(full)
    return NumberSketch(rows, nulls, edges[kept], *_between(edges[kept], whole, kept), mean, deviation, error)


def _cumulated(part: NumberSketch, edges: Floats) -> _Cumulated:
    """The part at edges of which some are not its own: its gaps are taken to be filled evenly."""
    own, gaps = part.edges.astype(np.float64), part.gaps
    right = np.searchsorted(part.edges, edges)
    inside = np.minimum(right, len(own) - 1)
    at_edge = part.edges[inside] == edges
    left = np.maximum(right - 1, 0)
    within = (right > 0) & (right < len(own)) & ~at_edge
    share = np.divide(edges - own[left], own[inside] - own[left], out=np.zeros(len(edges)), where=within)
    filled = (gaps[inside] * share).astype(np.int64)
    before = np.where(right > 0, part.upto[left], 0)
    below = np.where(at_edge, part.below[inside], before + filled)
    sums = np.concatenate(([0.0], np.cumsum(part.gaps * part.means.astype(np.float64) + part.ties * own)))
    below_sums = sums[right] + np.where(at_edge, gaps[inside], filled) * part.means[inside].astype(np.float64)
    return _Cumulated(below, below + np.where(at_edge, part.ties[inside], 0), below_sums)


def _evenly(upto: Counts, count: int) -> Counts:
    """Which edges are kept: those of EDGES evenly spaced ranks, the first and the last among them."""
    if len(upto) <= EDGES:
        return np.arange(len(upto))
    ranks = np.linspace(0, count - 1, EDGES).round()
    chosen = np.minimum(np.searchsorted(upto, ranks, "right"), len(upto) - 1)
    return np.unique(np.concatenate(([0], chosen, [len(upto) - 1])))


def _between(edges: Floats, whole: _Cumulated, kept: Counts) -> tuple[Counts, Counts, Floats]:
    """Gaps, ties and the means of the gaps at the edges that are kept."""
    below, ties = whole.below[kept], (whole.upto - whole.below)[kept]
    start = np.concatenate(([0], whole.upto[kept]))[:-1]
    gaps = below - start
    upto_sums = whole.sums[kept] + ties * edges.astype(np.float64)
    sums = whole.sums[kept] - np.concatenate(([0.0], upto_sums))[:-1]
    lowest = np.concatenate((edges[:1], edges[:-1]))
    means = np.clip(sums / np.maximum(gaps, 1), lowest, edges)
    return gaps, ties, np.where(gaps > 0, means, 0).astype(np.float32)


def _moments(parts: Sequence[NumberSketch]) -> tuple[float, float]:
    """Mean and deviation of all, exactly (Chan, Golub and LeVeque 1979)."""
    counts = np.array([part.count for part in parts], dtype=np.float64)
    means = np.array([part.mean for part in parts])
    deviations = np.array([part.deviation for part in parts])
    mean = float(counts @ means / counts.sum())
    variance = counts @ (deviations**2 + (means - mean) ** 2) / counts.sum()
    return mean, float(np.sqrt(variance))
