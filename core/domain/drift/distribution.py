"""A column's reference and window side by side in a few bars, small enough to be kept in every report."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..sketch import CategoryCounts, Counts, NumberSketch, most_frequent_first
from .tally import CategoryTally, NumberTally, Tally

BINS = 24
"""How many bars a number has, all of the same width."""
MOST_CATEGORIES = 8
LONGEST_CATEGORY = 60
"""How many categories have a bar of their own, and how much of a long name is kept."""
TAIL = 0.005
"""The share of the reference on either side that does not stretch the axis: it counts in the first and last bar."""


@dataclass(frozen=True, slots=True)
class Distribution:
    """Rows by bar. A number has `edges`, one more than bars; a category has `names`, and `rest` counts those without a bar.

    Rows beyond the outermost edges count in the outermost bars. Nulls are in no bar.
    """

    reference: tuple[int, ...]
    current: tuple[int, ...]
    reference_nulls: int
    edges: tuple[float, ...] = ()
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
    known = np.array(reference.edges)
    edges = _edges(reference)
    sides = (
        (reference.below, reference.upto, reference.count),
        (window.below, window.upto, window.count),
    )
    counted = [_binned(known, below, upto, edges, rows) for below, upto, rows in sides]
    return Distribution(counted[0], counted[1], reference.nulls, edges=tuple(float(f"{edge:.6g}") for edge in edges))


def _edges(reference: NumberSketch) -> NDArray[np.float64]:
    """[BINS + 1] of equal distance; around each value when there are few of them, such as whole numbers."""
    low, high = reference.quantile(TAIL), reference.quantile(1 - TAIL)
    assert low is not None
    assert high is not None
    known = np.array(reference.edges)
    kept = known[(known >= low) & (known <= high)]
    if len(kept) == 1:
        return np.array([low - 0.5, low + 0.5])
    step = float(np.diff(kept).min())
    bars = round((high - low) / step) + 1
    if bars <= BINS and np.allclose((kept - low) / step, np.round((kept - low) / step), atol=1e-3):
        return low + step * (np.arange(bars + 1) - 0.5)
    return np.linspace(low, high, BINS + 1)


def _binned(
    known: NDArray[np.float64], below: Counts, upto: Counts, edges: NDArray[np.float64], rows: int
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
