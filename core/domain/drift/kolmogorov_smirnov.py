"""The two-sample Kolmogorov-Smirnov test of a window against a sketch."""

from __future__ import annotations

import math

import numpy as np

from ..sketch import NumberSketch
from .result import TestResult
from .tally import NumberTally


def kolmogorov_smirnov(reference: NumberSketch, window: NumberTally) -> TestResult | None:
    """The largest distance between both distribution functions; None if either side has no values.

    The distance is taken at the reference's edges, from both sides, where both functions are known exactly. It is
    at most `reference.resolution` below that of the full samples and never above it, so p is never understated by the
    sketch. p is Smirnov's limit with the effective size n m / (n + m), which is conservative for small samples and
    for ties (Hodges 1958, "The significance probability of the Smirnov two-sample test").

    >>> from .tally import number_tally
    >>> reference = NumberSketch.of(np.arange(100.0))
    >>> shifted = kolmogorov_smirnov(reference, number_tally(reference, np.arange(100.0) + 25))
    >>> round(shifted.statistic, 12), shifted.p < 0.01
    (0.25, True)
    """
    from scipy.special import kolmogorov  # noqa: PLC0415 - scipy is loaded where a distribution is needed

    if not reference.count or not window.count:
        return None
    statistic = distance(reference, window)
    effective = reference.count * window.count / (reference.count + window.count)
    return TestResult(statistic, float(kolmogorov(math.sqrt(effective) * statistic)), statistic)


def distance(reference: NumberSketch, window: NumberTally) -> float:
    """The largest distance between both distribution functions, 0 to 1; both sides have values."""
    distances = (
        reference.upto / reference.count - window.upto / window.count,
        reference.below / reference.count - window.below / window.count,
    )
    return float(np.abs(distances).max())
