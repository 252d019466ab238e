"""Comparing how often something happens: nulls, and categories that were never seen before."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ..sketch import Counts
from .result import TestResult

LEAST_EXPECTED = 10


def two_proportions(happened: tuple[int, int], rows: tuple[int, int]) -> TestResult | None:
    """Whether something that `happened` in some of the `rows` of each side is equally frequent; None without rows.

    The pooled normal test, or Fisher's exact one where fewer than LEAST_EXPECTED are expected in a cell. The statistic
    is the second share less the first.

    >>> result = two_proportions((10, 60), (1000, 1000))
    >>> round(result.statistic, 2), result.p < 1e-8
    (0.05, True)
    >>> round(two_proportions((0, 2), (1000, 50)).p, 4)
    0.0022
    """
    if not all(rows):
        return None
    difference = happened[1] / rows[1] - happened[0] / rows[0]
    seldom = min(sum(happened), sum(rows) - sum(happened))
    exact = seldom * min(rows) < LEAST_EXPECTED * sum(rows)
    p = _fisher(happened, rows) if exact else _pooled_normal(happened, rows)
    return TestResult(difference, p, abs(difference))


def more_often(expected: tuple[int, int], found: tuple[int, int]) -> TestResult | None:
    """One-sided: whether the second share, `found` (times, rows), is larger than the first, `expected`."""
    result = two_proportions((expected[0], found[0]), (expected[1], found[1]))
    if result is None:
        return None
    p = result.p / 2 if result.statistic > 0 else 1.0
    return TestResult(result.statistic, p, max(result.statistic, 0.0))


def expected_unseen(counts: Mapping[str, int]) -> tuple[int, int]:
    """How often a category that is not in `counts` is to be expected: (times, rows), for `more_often`.

    As often as categories were seen once (Good and Turing). The estimate varies as (f1 + 2 f2) / n² when f1 categories
    were seen once and f2 twice (Good 1953, "The population frequencies of species"), not as f1 / n²; so both figures
    are those of a smaller sample that tells as little.

    >>> expected_unseen({"a": 96, "b": 2, "c": 1, "d": 1})
    (1, 50)
    """
    once, twice = (sum(1 for rows in counts.values() if rows == seen) for seen in (1, 2))
    smaller = max((once + 2 * twice) / max(once, 1), 1)
    return round(once / smaller), round(sum(counts.values()) / smaller)


def _pooled_normal(happened: tuple[int, int], rows: tuple[int, int]) -> float:
    share = sum(happened) / sum(rows)
    deviation = math.sqrt(share * (1 - share) * (1 / rows[0] + 1 / rows[1]))
    return math.erfc(abs(happened[1] / rows[1] - happened[0] / rows[0]) / deviation / math.sqrt(2))


def _fisher(happened: tuple[int, int], rows: tuple[int, int]) -> float:
    """Two-sided: the probability of every table with these margins that is no more likely than this one."""
    total = sum(happened)
    second = np.arange(max(0, total - rows[0]), min(total, rows[1]) + 1)
    ways = _log_choose(rows[0], total - second) + _log_choose(rows[1], second)
    relative = np.exp(ways - ways.max())
    seen = relative[happened[1] - second[0]]
    return min(float(relative[relative <= seen * (1 + 1e-7)].sum() / relative.sum()), 1.0)


def _log_choose(rows: int, chosen: Counts) -> NDArray[np.float64]:
    from scipy.special import gammaln  # noqa: PLC0415 - scipy is loaded where it is needed

    return np.asarray(gammaln(rows + 1) - gammaln(chosen + 1) - gammaln(rows - chosen + 1), dtype=np.float64)
