"""Whether a window of answered rows still looks like what the model learned from and how it answered then."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ..columns import Columns, Outputs
from ..profile import Profile, Summary, answer_columns
from ..sketch import CategoryCounts, NumberSketch
from .contingency import category_table, chi_squared, number_table, pooled, population_stability
from .correction import benjamini_hochberg
from .distribution import Distribution, distribution
from .kolmogorov_smirnov import kolmogorov_smirnov
from .proportions import expected_unseen, more_often, two_proportions
from .result import TestResult
from .tally import CategoryTally, NumberTally, Tally, tally

ALPHA = 0.001
"""A q below this is no accident: of a thousand checks of unchanged data one may find something."""
LEAST_SHARE = 0.08
"""A change in fewer rows than this is not worth an alarm: a number moved by 0.2 standard deviations."""
LEAST_INDEX = 0.1
"""The same for the population stability index."""
PSI = "psi"


@dataclass(frozen=True, slots=True)
class Window:
    """Rows counted against a profile; `plus` reads any number of them part by part."""

    profile: Profile
    rows: int = 0
    tallies: Mapping[str, Tally] = field(default_factory=dict)
    answers: Mapping[str, Tally] = field(default_factory=dict)

    def plus(self, columns: Columns, outputs: Outputs) -> Window:
        """The window with these rows and their answers added."""
        features = {name: columns[name] for name in self.profile.features}
        answered = {name: values for name, _, values in answer_columns(outputs, self.profile.classes)}
        return replace(
            self,
            rows=self.rows + len(outputs),
            tallies=_added(self.tallies, self.profile.features, features),
            answers=_added(self.answers, self.profile.outputs, answered),
        )


@dataclass(frozen=True, slots=True)
class ColumnDrift:
    """One feature, or one output. `found` are the tests that say it drifted; `q` is p corrected for all tests.

    `nulls` and `unseen` count the window's rows; `unseen` is None where the reference is too large to tell.
    `effect` is the largest share of rows that any test finds changed. `distribution` is for a picture.
    """

    name: str
    tests: Mapping[str, TestResult]
    q: Mapping[str, float]
    nulls: int
    unseen: int | None
    found: tuple[str, ...] = ()
    distribution: Distribution | None = None

    @property
    def drifted(self) -> bool:
        """Whether any test found a change that is certain and large enough."""
        return bool(self.found)

    @property
    def effect(self) -> float:
        """The largest effect but PSI's, which is no share."""
        return max((result.effect for name, result in self.tests.items() if name != PSI), default=0.0)

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
            "distribution": None if self.distribution is None else self.distribution.to_json(),
        }


@dataclass(frozen=True, slots=True)
class Comparison:
    """All features and all outputs, in the order of the profile."""

    features: tuple[ColumnDrift, ...]
    outputs: tuple[ColumnDrift, ...]

    @property
    def drifted(self) -> bool:
        """Whether anything did."""
        return any(column.drifted for column in (*self.features, *self.outputs))


def compare(window: Window, min_rows: int) -> Comparison:
    """Test every feature and every output of the window against its profile.

    A column drifts when a test finds a change that is certain (q < ALPHA over all tests of the check) and large
    enough (LEAST_SHARE, or LEAST_INDEX for PSI) in a window of at least `min_rows` rows.
    """
    profile = window.profile
    features = [_tested(name, profile.features[name], counts) for name, counts in window.tallies.items()]
    outputs = [_tested(name, profile.outputs[name], counts) for name, counts in window.answers.items()]
    corrected = _judged([*features, *outputs], enough=window.rows >= min_rows)
    return Comparison(tuple(corrected[: len(features)]), tuple(corrected[len(features) :]))


def _added(sums: Mapping[str, Tally], references: Mapping[str, Summary], values: Columns) -> dict[str, Tally]:
    new = {name: tally(reference, values[name]) for name, reference in references.items()}
    return {name: sums[name] + part if name in sums else part for name, part in new.items()}  # type: ignore[operator]


def _tested(name: str, reference: Summary, window: Tally) -> ColumnDrift:
    results = dict(_results(reference, window))
    counted = distribution(reference, window)
    return ColumnDrift(name, results, {}, window.nulls, _unseen(reference, window), distribution=counted)


def _results(reference: Summary, window: Tally) -> Iterator[tuple[str, TestResult]]:
    if reference.count and window.count:
        yield from _distribution(reference, window)
    if reference.nulls or window.nulls:
        result = two_proportions((reference.nulls, window.nulls), (reference.rows, window.rows))
        if result:
            yield "nulls", result
    unseen = _unseen(reference, window)
    if unseen and isinstance(reference, CategoryCounts):
        result = more_often(expected_unseen(reference.counts), (unseen, window.count))
        if result:
            yield "unseen", result


def _distribution(reference: Summary, window: Tally) -> Iterator[tuple[str, TestResult]]:
    if isinstance(reference, NumberSketch):
        assert isinstance(window, NumberTally)
        result = kolmogorov_smirnov(reference, window)
        assert result
        yield "ks", result
        table = pooled(number_table(reference, window))
    else:
        assert isinstance(window, CategoryTally)
        table = pooled(category_table(reference, window))
        yield "chi2", chi_squared(table)
    yield PSI, population_stability(table)


def _unseen(reference: Summary, window: Tally) -> int | None:
    if not isinstance(window, CategoryTally) or not isinstance(reference, CategoryCounts):
        return 0
    if reference.buckets:
        return None
    return sum(rows for category, rows in window.counts.items() if category not in reference.counts)


def _judged(columns: list[ColumnDrift], *, enough: bool) -> list[ColumnDrift]:
    q = iter(benjamini_hochberg([result.p for column in columns for result in column.tests.values()]))
    corrected = [replace(column, q={name: next(q) for name in column.tests}) for column in columns]
    return [replace(column, found=_found(column)) for column in corrected] if enough else corrected


def _found(column: ColumnDrift) -> tuple[str, ...]:
    return tuple(
        name
        for name, result in column.tests.items()
        if column.q[name] < ALPHA and result.effect >= (LEAST_INDEX if name == PSI else LEAST_SHARE)
    )
