"""A column's reference and window side by side in a few bars, small enough to be kept in every report."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..sketch import CategoryCounts, Counts, NumberSketch, most_frequent_first
from .tally import CategoryTally, NumberTally, Tally

BINS = 24
"""How many bars a number has at most, all of the same width."""
FINEST = 10_000
"""Values at equal distances, such as whole numbers, get bars that hold equally many of them, up to so many."""
MOST_CATEGORIES = 8
LONGEST_CATEGORY = 60
"""How many categories have a bar of their own, and how much of a long name is kept."""
TAIL = 0.005
"""The share of the reference on either side that does not stretch the axis: it counts in the first and last bar."""


@dataclass(frozen=True, slots=True)
class Distribution:
    """Rows by bar, nulls left out. Rows beyond the outermost edges count in the outermost bars.

    A number has `edges`, one more than bars, and `ends`, the values that the outermost bars begin and end with. A
    category has `names`, and `rest` counts the rows of those that have no bar.
    """

    reference: tuple[int, ...]
    current: tuple[int, ...]
    reference_nulls: int
    edges: tuple[float, ...] = ()
    ends: tuple[float, ...] = ()
    names: tuple[str, ...] = ()
    rest: tuple[int, int] | None = None

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values, as a drift report has them."""
        return asdict(self)


def distribution(reference: NumberSketch | CategoryCounts, window: Tally) -> Distribution | None:
    """Count both sides by the same bars; None when neither side has a value.

    >>> from .tally import tally
    >>> reference = CategoryCounts.of(np.array(["a", "a", "b"], dtype=object))
    >>> found = distribution(reference, tally(reference, np.array(["b", "c"], dtype=object)))
    >>> found.names, found.reference, found.current
    (('a', 'b', 'c'), (2, 1, 0), (0, 1, 1))
    """
    if isinstance(reference, NumberSketch):
        assert isinstance(window, NumberTally)
        return _numbers(reference, window) if reference.count else None
    assert isinstance(window, CategoryTally)
    return _categories(reference, window) if reference.count or window.count else None


def _numbers(reference: NumberSketch, window: NumberTally) -> Distribution:
    known = reference.edges.astype(np.float64)
    low, high = reference.quantile(TAIL), reference.quantile(1 - TAIL)
    assert low is not None
    assert high is not None
    edges = _edges(known[(known >= np.float32(low)) & (known <= np.float32(high))])
    sides = (reference.below, reference.upto, reference.count), (window.below, window.upto, window.count)
    was, now = (_binned(known, below, upto, edges, rows) for below, upto, rows in sides)
    shown = tuple(float(f"{edge:.6g}") for edge in edges)
    return Distribution(was, now, reference.nulls, edges=shown, ends=(float(low), float(high)))


def _edges(known: NDArray[np.float64]) -> NDArray[np.floating[Any]]:
    """Of equal distance, at most BINS + 1, over [n] ascending values; half way between those that have a distance."""
    low, high = float(known[0]), float(known[-1])
    if low == high:
        return np.array([low - 0.5, low + 0.5], dtype=np.float64)
    step = float(np.diff(known).min())
    values = round(min((high - low) / step, FINEST)) + 1
    steps = (known - low) / step
    if values > FINEST or not np.allclose(steps, steps.round(), atol=0.01):
        return low + (high - low) / BINS * np.arange(BINS + 1, dtype=np.float64)
    each = -(-values // BINS)
    return low + step * (each * np.arange(-(-values // each) + 1) - 0.5)


def _binned(
    known: NDArray[np.float64], below: Counts, upto: Counts, edges: NDArray[np.floating[Any]], rows: int
) -> tuple[int, ...]:
    """Rows by bar, from how many are below and not above each `known` value; spread evenly between two of those."""
    inner = edges[1:-1]
    right = np.clip(np.searchsorted(known, inner), 1, max(len(known) - 1, 1))
    left, right = right - 1, np.minimum(right, len(known) - 1)
    width = np.maximum(known[right] - known[left], np.finfo(np.float64).tiny)
    share = (inner - known[left]) / width
    counted = upto[left] + share * (below[right] - upto[left])
    cumulated = np.concatenate(([0], np.round(counted), [rows])).astype(np.int64)
    return tuple(np.diff(cumulated).tolist())


def _categories(reference: CategoryCounts, window: CategoryTally) -> Distribution:
    """The most frequent of both sides, by the larger of their shares."""
    sides = (reference.counts, max(reference.count, 1)), (window.counts, max(window.count, 1))
    largest: dict[str, int] = {}
    for counts, rows in sides:
        for name, count in counts.items():
            largest[name] = max(largest.get(name, 0), round(1e9 * count / rows))
    names = [name for name, _ in most_frequent_first(largest)[:MOST_CATEGORIES]]
    was, now = (tuple(counts.get(name, 0) for name in names) for counts, _ in sides)
    rest = (reference.count - sum(was), window.count - sum(now))
    shown = tuple(_shortened(name) for name in names)
    return Distribution(was, now, reference.nulls, names=shown, rest=rest if any(rest) else None)


def _shortened(name: str) -> str:
    return name if len(name) <= LONGEST_CATEGORY else f"{name[: LONGEST_CATEGORY - 1]}…"
