"""Measure rows: what was realised where the truth is known, and what is expected where it is not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

import numpy as np

from ..metrics import NAMES, Estimate, LabelAnswers, Measure, gain_sign, measure, statistic
from ..schema import Task
from . import concept, confidence, losses
from .judged import Judged
from .kpi import Worth
from .reference import Reference

KPI = "kpi"
RESAMPLED = 4_000
"""Rows that the intervals of a window are resampled from."""
NOT_FORESEEN = frozenset({"ece", "r2"})
"""What cannot be estimated: the estimate rests on calibration, and r2 needs the variance of the truth."""
_REGRESSION = ("mae", "rmse", "r2")

Found: TypeAlias = dict[str, Estimate]


@dataclass(frozen=True, slots=True)
class Yardstick:
    """What is measured, and against what. `fewest` rows make a figure. `reference` is None of versions without one.

    `foreseeable` is False of rows whose truth cannot be estimated.
    """

    task: Task
    metric: str
    seed: int
    fewest: int
    reference: Reference | None
    worth: Worth | None = None
    foreseeable: bool = True

    @property
    def names(self) -> tuple[str, ...]:
        """Every metric of the task."""
        regression = self.task == "regression"
        return tuple(name for name in NAMES if (name in _REGRESSION) == regression)

    def realised(self, rows: Judged, names: tuple[str, ...]) -> Found:
        """Metrics of labelled rows, and `kpi`; nothing of too few rows."""
        if len(rows) < self.fewest:
            return {}
        return measure(rows.answers(), self._measures(names), seed=self.seed, most=RESAMPLED)

    def expected(self, rows: Judged, names: tuple[str, ...]) -> Found:
        """What the truth of these rows is expected to say; nothing of too few rows, or without a reference."""
        if self.reference is None or len(rows) < self.fewest:
            return {}
        if not self.foreseeable:
            return {}
        if self.reference.tree is None:
            return self._of_labels(rows, self.reference, names)
        costs = None if self.worth is None else (self.worth.over, self.worth.under)
        found = losses.estimate(rows.records["leaf"].astype(np.intp), self.reference.tree.leaves, costs)
        return {name: estimate for name, estimate in found.items() if name in {*names, KPI}}

    def change(self, rows: Judged, realised: Found, expected: Found) -> Change | None:
        """Why the metric of these labelled rows is not the holdout's; None where one of the three is not known."""
        if self.reference is None:
            return None
        found = (self.reference.metrics.get(self.metric), expected.get(self.metric), realised.get(self.metric))
        if None in found:
            return None
        before, foreseen, now = (each for each in found if each is not None)
        return Change(
            metric=self.metric,
            reference=before,
            expected=foreseen,
            realised=now,
            data=_difference(foreseen, before),
            concept=_difference(now, foreseen),
            p=self._p(rows, self.reference),
        )

    def _p(self, rows: Judged, reference: Reference) -> float | None:
        answers = rows.answers()
        if isinstance(answers, LabelAnswers):
            return concept.of_labels(answers, reference.curves, reference.strata)
        assert reference.tree is not None
        return concept.of_numbers(answers, rows.records["leaf"].astype(np.intp), reference.tree.leaves)

    def _of_labels(self, rows: Judged, reference: Reference, names: tuple[str, ...]) -> Found:
        measures = self._measures(tuple(name for name in names if name not in NOT_FORESEEN))
        return confidence.estimate(rows.expected(reference), measures, reference.metrics, seed=self.seed)

    def _measures(self, names: tuple[str, ...]) -> Mapping[str, Measure]:
        measures: dict[str, Measure] = {name: partial(statistic, name) for name in names}
        return measures if self.worth is None else {**measures, KPI: self.worth.measure}


@dataclass(frozen=True, slots=True)
class Change:
    """The metric on the holdout, as expected of the rows that came, and as realised on them.

    `data` is the part of the change that the rows explain, `concept` the part that they do not. `p` is of "rows of the
    same kind come true as before", None if too few rows tell.
    """

    metric: str
    reference: Estimate
    expected: Estimate
    realised: Estimate
    data: Estimate
    concept: Estimate
    p: float | None

    @property
    def concept_drifted(self) -> bool | None:
        """Whether rows come true otherwise than before; None if too few rows tell."""
        return None if self.p is None else self.p < concept.ALPHA

    @property
    def cause(self) -> str:
        """`concept`, `data` or `both`, as far as either made the metric worse beyond noise; else `none`."""
        concept_too = bool(self.concept_drifted) and _worse(self.metric, self.concept)
        parts = {"data": _worse(self.metric, self.data), "concept": concept_too}
        found = [name for name, holds in parts.items() if holds]
        return "both" if len(found) > 1 else found[0] if found else "none"


def _difference(later: Estimate, earlier: Estimate) -> Estimate:
    """Of two figures whose errors are independent, or nearly."""
    value = later.value - earlier.value
    low = np.hypot(later.value - later.low, earlier.high - earlier.value)
    high = np.hypot(later.high - later.value, earlier.value - earlier.low)
    return Estimate(value, value - float(low), value + float(high))


def _worse(metric: str, change: Estimate) -> bool:
    return change.high < 0 if gain_sign(metric) > 0 else change.low > 0
