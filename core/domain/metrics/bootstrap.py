"""Intervals by resampling rows, all resamples at once.

The percentile bootstrap (Efron and Tibshirani 1993, ch. 13) with 200 resamples of at most 20,000 rows. Of more rows a
seeded sample is resampled and the spread is narrowed by sqrt(20,000 / n), since a standard error shrinks with the root
of the rows; so the cost is bounded (about 0.1 s a metric) whatever the holdout.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .answers import Floats

RESAMPLES = 200
ROWS = 20_000
CONFIDENCE = 0.95
_AT_ONCE = 50


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with the ends of its 95 % interval."""

    value: float
    low: float
    high: float


def sample(rows: int, seed: int, most: int = ROWS) -> NDArray[np.intp]:
    """Which rows are resampled: all of up to `most`, else a seeded sample in ascending order."""
    if rows <= most:
        return np.arange(rows)
    return np.sort(np.random.default_rng(seed).choice(rows, most, replace=False))


def resamples(rows: int, seed: int) -> Iterator[Floats]:
    """How often each of `rows` is drawn in each resample: blocks [50, rows], 200 resamples in all."""
    random = np.random.default_rng(seed)
    offsets = np.arange(_AT_ONCE)[:, np.newaxis] * rows
    for _ in range(RESAMPLES // _AT_ONCE):
        drawn = random.integers(0, rows, (_AT_ONCE, rows)) + offsets
        yield np.bincount(drawn.ravel(), minlength=_AT_ONCE * rows).reshape(_AT_ONCE, rows).astype(np.float64)


def estimate(value: float, sampled: float, resampled: Floats, rows: int, most: int = ROWS) -> Estimate:
    """The interval around `value`, which was measured on all `rows`, of which up to `most` were resampled.

    `sampled` is the same on the rows of `sample`, and `resampled` [200] on their resamples; a resample on which the
    metric is not determined (NaN) is left out. The interval always holds the value.
    """
    spread = (resampled[~np.isnan(resampled)] - sampled) * min(1.0, (most / rows) ** 0.5)
    if not len(spread):
        return Estimate(value, value, value)
    low, high = np.quantile(spread, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Estimate(value, value + min(0.0, float(low)), value + max(0.0, float(high)))
