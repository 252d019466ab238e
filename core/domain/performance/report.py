"""The performance report: how good the answers of a version were over time, and are expected to be.

A report is of everything that the version answered within the spec's history, with all labels that had come: the newest
one of a version tells all that is known of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np

from ..canonical import canonical_json, rounded
from ..metrics import Estimate, gain_sign
from .measuring import KPI, Change, Found
from .reliability import Bin
from .windows import WindowUnit, end_of

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Figures:
    """Of some rows: how many there are and how many have a label, what was realised and what is expected.

    `group` is (column, value) of a slice. `foreseen` is what was expected of the labelled rows alone: it is what
    `realised` is to be compared with. Nothing is told of fewer rows than the report's `fewest`.
    """

    rows: int
    labelled: int
    realised: Found = field(hash=False)
    expected: Found = field(hash=False)
    group: tuple[str, str] | None = None
    foreseen: Estimate | None = None

    def to_json(self) -> dict[str, Any]:
        """As in the report."""
        told = {} if self.group is None else {"column": self.group[0], "value": self.group[1]}
        return {
            **told,
            "rows": self.rows,
            "labelled": self.labelled,
            "metrics": _all_but_kpi(self.realised),
            "estimated": _all_but_kpi(self.expected),
            "foreseen": of_estimate(self.foreseen),
            "kpi": self._kpi(),
        }

    def _kpi(self) -> dict[str, Any] | None:
        mean, expected = self.realised.get(KPI), self.expected.get(KPI)
        if mean is None and expected is None:
            return None
        total = None if mean is None else rounded(mean.value * self.labelled)
        return {"mean": of_estimate(mean), "total": total, "estimated": of_estimate(expected)}


@dataclass(frozen=True, slots=True)
class Window:
    """The figures of a span of time from `since` up to and without `until`, and of its slices."""

    since: np.datetime64
    until: np.datetime64
    whole: Figures
    slices: tuple[Figures, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As in the report."""
        return {
            **span(self.since, self.until),
            **self.whole.to_json(),
            "slices": [each.to_json() for each in self.slices],
        }


@dataclass(frozen=True, slots=True)
class PerformanceReport:
    """`current` is over the newest windows that together have labels enough to judge by; None while there are none.

    `version` is None while none serves. `by` tells which times the windows are of. `enough` labelled rows make a
    judgement. `reason` says why the report is not stored, as `key` is None then; `fairness` is the other report's key.
    `group` is that of the devices that answered, None for the cloud.
    """

    model: str
    version: str | None
    metric: str
    unit: WindowUnit = "day"
    by: str = "answered"
    fewest: int = 0
    enough: int = 0
    max_regression: float = 0.0
    reference: Mapping[str, Estimate] = field(default_factory=dict, hash=False)
    current: Window | None = None
    change: Change | None = None
    calibration: tuple[Bin, ...] = ()
    windows: tuple[Window, ...] = ()
    kpi: Mapping[str, str | None] | None = field(default=None, hash=False)
    inputs: Mapping[str, Any] = field(default_factory=dict, hash=False)
    code: str = ""
    reason: str | None = None
    key: str | None = None
    fairness: str | None = None
    group: str | None = None

    @property
    def degraded(self) -> bool:
        """Whether the metric of enough labelled rows is worse than the holdout's, beyond noise and what is allowed."""
        if self.current is None or self.current.whole.labelled < self.enough:
            return False
        return is_worse(self.metric, self.current.whole.realised, self.reference, self.max_regression)

    @property
    def expected_degraded(self) -> bool:
        """The same of what is expected of the newest window whose rows are enough; labels may yet say otherwise."""
        newest = next((window for window in reversed(self.windows) if window.whole.rows >= self.enough), None)
        return newest is not None and is_worse(self.metric, newest.whole.expected, self.reference, self.max_regression)

    def to_json(self) -> dict[str, Any]:
        """As stored."""
        current = self.current
        return {
            "format": FORMAT,
            "kind": "performance",
            "model": self.model,
            "version": self.version,
            "metric": self.metric,
            "window": None if current is None else span(current.since, current.until),
            "by": self.by,
            "unit": self.unit,
            "degraded": self.degraded,
            "expected_degraded": self.expected_degraded,
            "min_rows": self.fewest,
            "enough": self.enough,
            "max_regression": self.max_regression,
            "reference": _all_but_kpi(self.reference),
            "current": None if current is None else current.to_json(),
            "change": of_change(self.change),
            "calibration": [of_bin(each) for each in self.calibration],
            "estimate_check": self._estimate_check(),
            "windows": [window.to_json() for window in self.windows],
            "kpi": self.kpi,
            "inputs": self.inputs,
            "fairness": self.fairness,
            "reason": self.reason,
            "group": self.group,
            "code": self.code,
        }

    def encode(self) -> bytes:
        """The bytes that are stored."""
        return canonical_json(self.to_json())

    def _estimate_check(self) -> dict[str, Any] | None:
        """How well the estimate foresaw the deciding metric of the windows that have labels; None without any."""
        pairs = [
            (window.whole.foreseen, window.whole.realised[self.metric])
            for window in self.windows
            if window.whole.foreseen is not None and self.metric in window.whole.realised
        ]
        gaps = [abs(foreseen.value - realised.value) for foreseen, realised in pairs]
        if not gaps:
            return None
        within = sum(foreseen.low <= realised.value <= foreseen.high for foreseen, realised in pairs)
        return {
            "windows": len(gaps),
            "within": within,
            "mean_gap": rounded(sum(gaps) / len(gaps)),
            "largest_gap": rounded(max(gaps)),
        }


def is_worse(
    metric: str, found: Mapping[str, Estimate], reference: Mapping[str, Estimate], max_regression: float
) -> bool:
    """Whether the whole interval is worse than the whole interval of the reference, by more than is allowed."""
    if metric not in found or metric not in reference:
        return False
    now, before = found[metric], reference[metric]
    if gain_sign(metric) > 0:
        return now.high < before.low - max_regression
    return now.low > before.high + max_regression


def of_estimate(found: Estimate | None) -> dict[str, float] | None:
    """value, low and high."""
    if found is None:
        return None
    return {"value": rounded(found.value), "low": rounded(found.low), "high": rounded(found.high)}


def of_bin(found: Bin) -> dict[str, Any]:
    """As in the report."""
    return {"rows": found.rows, "expected": rounded(found.expected), "happened": of_estimate(found.happened)}


def of_change(change: Change | None) -> dict[str, Any] | None:
    """As in the report."""
    if change is None:
        return None
    parts = {
        name: of_estimate(getattr(change, name)) for name in ("reference", "expected", "realised", "data", "concept")
    }
    p = None if change.p is None else rounded(change.p)
    return {"metric": change.metric, **parts, "p": p, "concept_drifted": change.concept_drifted, "cause": change.cause}


def span(since: np.datetime64, until: np.datetime64) -> dict[str, str]:
    """RFC 3339, in UTC."""
    return {"since": _moment(since).isoformat(), "until": _moment(until).isoformat()}


def joined_span(starts: Sequence[np.datetime64], unit: WindowUnit) -> tuple[np.datetime64, np.datetime64]:
    """From the start of the first window to the end of the last."""
    return min(starts), end_of(max(starts), unit)


def _moment(time: np.datetime64) -> datetime:
    moment: datetime = time.astype("M8[s]").item()
    return moment.replace(tzinfo=UTC)


def _all_but_kpi(found: Mapping[str, Estimate]) -> dict[str, Any]:
    return {name: of_estimate(estimate) for name, estimate in found.items() if name != KPI}
