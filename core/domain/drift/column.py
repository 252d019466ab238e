"""One column: its tests, what they find, and what of it is told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..sketch import CategoryCounts, NumberSketch, Summary
from .contingency import category_table, chi_squared, g_test, jensen_shannon, number_table, pooled, population_stability
from .correction import benjamini_hochberg
from .distribution import Distribution, distribution
from .kolmogorov_smirnov import kolmogorov_smirnov
from .proportions import expected_unseen, more_often, two_proportions
from .result import TestResult
from .strategy import Strategy, Test
from .tally import CategoryTally, NumberTally, Tally
from .wasserstein import wasserstein

_ON_TABLES = {"chi2": chi_squared, "g": g_test, "psi": population_stability, "js": jensen_shannon}


@dataclass(frozen=True, slots=True)
class ColumnDrift:
    """One feature, or one output. `found` are the tests that say it drifted; `q` is p corrected for all tests.

    `nulls` and `unseen` count the window's rows; `unseen` is None where the reference is too large to tell.
    `effect` is the largest share of rows that is distributed otherwise, null, or unseen. `importance` is the feature's
    share of all importance, None where nothing is known of it. `distribution` is for a picture.
    """

    name: str
    tests: Mapping[Test, TestResult]
    effect: float
    nulls: int
    unseen: int | None
    q: Mapping[Test, float]
    found: tuple[Test, ...] = ()
    importance: float | None = None
    distribution: Distribution | None = None

    @property
    def drifted(self) -> bool:
        """Whether any test found a change that is certain and large enough."""
        return bool(self.found)

    def to_json(self) -> dict[str, Any]:
        """As in the public contract."""
        tests = {
            name: {"statistic": result.statistic, "p": result.p, "q": self.q[name]}
            for name, result in self.tests.items()
        }
        return {
            "name": self.name,
            "drifted": self.drifted,
            "found": list(self.found),
            "tests": tests,
            "effect": self.effect,
            "nulls": self.nulls,
            "unseen": self.unseen,
            "importance": self.importance,
            "distribution": None if self.distribution is None else self.distribution.to_json(),
        }


@dataclass(frozen=True, slots=True)
class Column:
    """What is tested: a window beside its reference. `whole` is the reference before it was adjusted to a season."""

    name: str
    reference: Summary
    whole: Summary
    window: Tally
    strategy: Strategy
    importance: float | None = None


def judged(columns: Sequence[Column], false_alarms: float, *, enough: bool) -> list[ColumnDrift]:
    """Test every column; those whose change is certain and large enough drifted, if there are `enough` rows."""
    tested = [_tested(column) for column in columns]
    q = iter(benjamini_hochberg([result.p for each in tested for result in each.tests.values()]))
    corrected = [replace(each, q={name: next(q) for name in each.tests}) for each in tested]
    if not enough:
        return corrected
    both = zip(corrected, columns, strict=True)
    return [replace(each, found=tuple(_found(each, column.strategy, false_alarms))) for each, column in both]


def _found(column: ColumnDrift, strategy: Strategy, false_alarms: float) -> Iterator[Test]:
    for name, result in column.tests.items():
        if column.q[name] < false_alarms and result.effect >= strategy.least[name]:
            yield name


def _tested(column: Column) -> ColumnDrift:
    results = dict(_results(column))
    wanted = {test: results[test] for test in column.strategy.least if test in results}
    return ColumnDrift(
        name=column.name,
        tests=wanted,
        effect=max(
            (results[test].effect for test in ("ks", "chi2", "nulls", "unseen") if test in results), default=0.0
        ),
        nulls=column.window.nulls,
        unseen=_unseen(column),
        q={},
        importance=column.importance,
        distribution=distribution(column.reference, column.window),
    )


def _results(column: Column) -> Iterator[tuple[Test, TestResult]]:
    """Those that can be made of the tests that are wanted, and those that tell the share of rows that changed."""
    reference, window = column.reference, column.window
    if reference.count and window.count:
        yield from _distribution(column)
    if reference.nulls or window.nulls:
        nulls = two_proportions((reference.nulls, window.nulls), (reference.rows, window.rows))
        if nulls:
            yield "nulls", nulls
    unseen = _unseen(column)
    if unseen and isinstance(column.whole, CategoryCounts):
        more = more_often(expected_unseen(column.whole.counts), (unseen, window.count))
        if more:
            yield "unseen", more


def _distribution(column: Column) -> Iterator[tuple[Test, TestResult]]:
    reference, window = column.reference, column.window
    if isinstance(reference, NumberSketch):
        assert isinstance(window, NumberTally)
        certain = kolmogorov_smirnov(reference, window)
        assert certain
        yield "ks", certain
        moved = wasserstein(reference, window, certain, column.strategy.scale)
        if moved:
            yield "wasserstein", moved
        table = pooled(number_table(reference, window))
    else:
        assert isinstance(window, CategoryTally)
        table = pooled(category_table(reference, window))
        yield "chi2", chi_squared(table)
    for test in column.strategy.least:
        if test in _ON_TABLES:
            yield test, _ON_TABLES[test](table)


def _unseen(column: Column) -> int | None:
    if not isinstance(column.window, CategoryTally) or not isinstance(column.whole, CategoryCounts):
        return 0
    if column.whole.buckets:
        return None
    return sum(rows for category, rows in column.window.counts.items() if category not in column.whole.counts)
