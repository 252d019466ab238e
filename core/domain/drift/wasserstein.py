"""The Wasserstein distance of a window from a sketch: how far values moved, on average."""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..sketch import Floats, NumberSketch
from .result import TestResult
from .tally import NumberTally

Scale: TypeAlias = Literal["sd", "iqr"]
"""What a distance is told in: standard deviations of the reference, or the deviation that its quartiles stand for."""

QUARTILES = 1.349
"""The distance of a normal distribution's quartiles in standard deviations."""

Areas = NDArray[np.float64]


def wasserstein(reference: NumberSketch, window: NumberTally, certain: TestResult, scale: Scale) -> TestResult | None:
    """The distance in units of `scale`; None if the reference does not vary.

    p is that of `certain`, the Kolmogorov-Smirnov test of the same counts: whether there is any change at all is one
    question, and this distance another measure of how large it is. One that outliers alone make is so no finding.
    """
    unit = _unit(reference, scale)
    if not unit:
        return None
    moved = distance(reference, window)[0] / unit
    return TestResult(moved, certain.p, moved)


def distance(reference: NumberSketch, window: NumberTally) -> tuple[float, float]:
    """The area between both distribution functions, in the values' units, and by how much at most it is too small.

    Exact where the reference holds every value and the window few. Else both functions are known at the reference's
    edges, and what they enclose between two edges by the mean of the values there: the area between them is exact where
    they do not cross, and the difference of what they enclose where they may. (A merged reference makes it wrong in
    either direction, by its `error`.)

    >>> from .tally import number_tally
    >>> reference = NumberSketch.of(np.arange(100.0))
    >>> distance(reference, number_tally(reference, np.arange(100.0) + 25))
    (25.0, 0.0)
    """
    if reference.exact and window.few is not None:
        return _exact(reference, window.few), 0.0
    edges = reference.edges.astype(np.float64)
    width = np.diff(edges)
    ours, theirs = _enclosed(reference, edges, width), _window_enclosed(window, edges, width)
    area = np.abs(ours - theirs)
    unsure = np.maximum(_most(reference, window, width) - area, 0).sum()
    merged = reference.error / reference.count * (edges[-1] - edges[0])
    return float(area.sum() + _outside(window, edges)), float(unsure + merged)


def _unit(reference: NumberSketch, scale: Scale) -> float:
    if scale == "sd":
        return reference.deviation
    low, high = reference.quantile(0.25), reference.quantile(0.75)
    assert low is not None
    assert high is not None
    return (high - low) / QUARTILES


def _exact(reference: NumberSketch, values: Floats) -> float:
    points = np.unique(np.concatenate((reference.edges, values)))
    ours = np.concatenate(([0], reference.upto))[np.searchsorted(reference.edges, points, "right")] / reference.count
    theirs = np.searchsorted(values, points, "right") / len(values)
    return float(np.abs(ours - theirs)[:-1] @ np.diff(points.astype(np.float64)))


def _enclosed(reference: NumberSketch, edges: Areas, width: Areas) -> Areas:
    """[k - 1] what the reference's distribution function encloses between two edges."""
    within = reference.gaps * (edges - reference.means)
    return np.asarray((width * reference.upto[:-1] + within[1:]) / reference.count)


def _window_enclosed(window: NumberTally, edges: Areas, width: Areas) -> Areas:
    gaps = window.below[1:] - window.upto[:-1]
    return np.asarray((width * window.upto[:-1] + gaps * edges[1:] - window.sums[1:-1]) / window.count)


def _outside(window: NumberTally, edges: Areas) -> float:
    """What the window's values beyond the outermost edges add."""
    below, above = window.below[0], window.count - window.upto[-1]
    return float((below * edges[0] - window.sums[0] + window.sums[-1] - above * edges[-1]) / window.count)


def _most(reference: NumberSketch, window: NumberTally, width: Areas) -> Areas:
    """[k - 1] the most that the area between two edges can be where the functions may cross; 0 where they cannot."""
    sides = (reference.upto, reference.below, reference.count), (window.upto, window.below, window.count)
    (low, high), (other_low, other_high) = ((upto[:-1] / rows, below[1:] / rows) for upto, below, rows in sides)
    may_cross = (high > other_low) & (other_high > low)
    return np.where(may_cross, width * np.maximum(high - other_low, other_high - low), 0)
