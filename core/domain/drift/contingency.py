"""Counts of the reference beside counts of a window: how they are binned, and the tests on them.

A table is an int64 array [2, k]: the reference's counts in row 0, the window's in row 1.
"""

from __future__ import annotations

import numpy as np

from ..sketch import CategoryCounts, Counts, NumberSketch, bucketed
from .result import TestResult
from .tally import CategoryTally, NumberTally

LEAST_EXPECTED = 10
"""Twice Cochran's rule (1954): with 5 the tail, which alarms are made of, was measured to be 3 times too heavy."""
BINS = 10
NO_CHANGE = TestResult(statistic=0.0, p=1.0, effect=0.0)


def number_table(reference: NumberSketch, window: NumberTally) -> Counts:
    """Numbers in the reference's deciles, fewer where values repeat themselves."""
    shares = np.arange(1, BINS) / BINS
    cuts = np.unique(np.searchsorted(reference.upto, shares * reference.count))
    upto = np.array([reference.upto[cuts], window.upto[cuts]])
    return np.diff(upto, axis=1, prepend=0, append=[[reference.count], [window.count]])


def category_table(reference: CategoryCounts, window: CategoryTally) -> Counts:
    """A column for each category of either side, new ones included; hash buckets where the reference is capped."""
    if reference.buckets:
        return np.array([reference.buckets, bucketed(window.counts)])
    names = sorted({*reference.counts, *window.counts})  # an order that does not tell the sides apart
    return np.array([[side.get(name, 0) for name in names] for side in (reference.counts, window.counts)], np.int64)


def pooled(table: Counts) -> Counts:
    """The table with rare columns put together until each expects LEAST_EXPECTED in both rows.

    Columns are taken by their totals, the largest first. Which ones share a cell depends on totals and on their order
    in the table alone, so the choice favours no side.

    >>> pooled(np.array([[50, 2, 11, 3], [50, 1, 12, 19]])).tolist()
    [[50, 11, 5], [50, 12, 20]]
    """
    totals = table.sum(axis=0)
    order = np.argsort(-totals, kind="stable")
    expected = (table.sum(axis=1).min() * totals / max(totals.sum(), 1))[order].tolist()
    return np.asarray(np.add.reduceat(table[:, order], _cells(expected), axis=1))


def chi_squared(table: Counts) -> TestResult:
    """Pearson's test of homogeneity of a pooled table.

    The effect is the total variation distance, the share of rows in another cell than before, less what chance alone
    gives on average: with many cells and few rows that is most of it.

    >>> result = chi_squared(np.array([[500, 500], [650, 350]]))
    >>> round(result.statistic, 2), round(result.effect, 3)
    (46.04, 0.132)
    """
    from scipy.special import chdtrc  # noqa: PLC0415 - scipy is loaded where a distribution is needed

    rows, cells = table.sum(axis=1), table.sum(axis=0)
    if table.shape[1] == 1 or not rows.all():
        return NO_CHANGE
    expected = np.outer(rows, cells) / table.sum()
    statistic = float(((table - expected) ** 2 / expected).sum())
    return TestResult(statistic, float(chdtrc(len(cells) - 1, statistic)), changed_share(table))


def changed_share(table: Counts) -> float:
    """The share of rows, 0 to 1, in another cell than before, less what chance alone gives on average; 0 without rows.

    >>> round(changed_share(np.array([[500, 500], [650, 350]])), 3)
    0.132
    """
    rows, cells = table.sum(axis=1), table.sum(axis=0)
    if not rows.all():
        return 0.0
    shares, common = table / rows[:, None], cells / table.sum()
    by_chance = np.sqrt(2 / np.pi * common * (1 - common) * (1 / rows).sum()).sum() / 2
    return max(float(abs(shares[0] - shares[1]).sum() / 2 - by_chance), 0.0)


def g_test(table: Counts) -> TestResult:
    """The likelihood-ratio test of homogeneity of a pooled table; its effect is that of `chi_squared`.

    >>> round(g_test(np.array([[500, 500], [650, 350]])).statistic, 2)
    46.23
    """
    from scipy.special import chdtrc, xlogy  # noqa: PLC0415 - scipy is loaded where a distribution is needed

    rows, cells = table.sum(axis=1), table.sum(axis=0)
    if table.shape[1] == 1 or not rows.all():
        return NO_CHANGE
    expected = np.outer(rows, cells) / table.sum()
    statistic = max(2 * float(xlogy(table, table / expected).sum()), 0.0)
    return TestResult(statistic, float(chdtrc(len(cells) - 1, statistic)), chi_squared(table).effect)


def population_stability(table: Counts) -> TestResult:
    """The population stability index of a pooled table: 0.1 is customarily a change, 0.25 a large one.

    An empty cell counts as half a row. Divided by 1/n + 1/m the index tends to the same chi-squared distribution as
    Pearson's statistic (Yurdakul 2018, "Statistical properties of the population stability index"), but slowly in the
    tail, so p is Pearson's. The effect is the index less its expectation without change, (k - 1) (1/n + 1/m).

    >>> result = population_stability(np.array([[500, 500], [650, 350]]))
    >>> round(result.statistic, 4), round(result.effect, 4)
    (0.0929, 0.0909)
    """
    rows = table.sum(axis=1)
    if table.shape[1] == 1 or not rows.all():
        return NO_CHANGE
    reference, window = np.maximum(table, 0.5) / rows[:, None]
    index = float(((window - reference) * np.log(window / reference)).sum())
    by_chance = (table.shape[1] - 1) * float((1 / rows).sum())
    return TestResult(index, chi_squared(table).p, max(index - by_chance, 0.0))


def jensen_shannon(table: Counts) -> TestResult:
    """The Jensen-Shannon distance of a pooled table, in base 2: 0 for equal shares, 1 for none in common.

    p is Pearson's, as for the population stability index. The effect is the root of the divergence less its expectation
    without change, (k - 1) (1/n + 1/m) / 8 nats.

    >>> result = jensen_shannon(np.array([[500, 500], [650, 350]]))
    >>> round(result.statistic, 4), round(result.effect, 4)
    (0.1291, 0.1277)
    """
    from scipy.special import rel_entr  # noqa: PLC0415 - scipy is loaded where it is needed

    rows = table.sum(axis=1)
    if table.shape[1] == 1 or not rows.all():
        return NO_CHANGE
    shares = table / rows[:, None]
    bits = float(rel_entr(shares, shares.mean(axis=0)).sum()) / (2 * np.log(2))
    by_chance = (table.shape[1] - 1) * float((1 / rows).sum()) / (8 * np.log(2))
    distance, effect = (float(max(part, 0.0)) ** 0.5 for part in (bits, bits - by_chance))
    return TestResult(distance, chi_squared(table).p, effect)


def _cells(expected: list[float]) -> list[int]:
    """Where each cell starts."""
    starts, filled = [0], 0.0
    for index, value in enumerate(expected):
        if filled >= LEAST_EXPECTED:
            starts.append(index)
            filled = 0.0
        filled += value
    return starts[:-1] if filled < LEAST_EXPECTED and len(starts) > 1 else starts
