"""The drift report: what a check looked at, and what it found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeAlias

from ..artefact import read_artefact
from ..canonical import canonical_json, content_version
from ..metrics import gain_sign
from .check import Comparison
from .column import ColumnDrift

FORMAT = 1

By: TypeAlias = Literal["answered", "time"]
"""A window is of the times of answering, or of the model's own time column."""

Interval: TypeAlias = Mapping[str, float]
"""value, low and high."""


@dataclass(frozen=True, slots=True)
class Performance:
    """The deciding metric at training and on the `labelled` rows of the window; None where it is not known.

    `current` with fewer than `enough` labelled rows is told, and is no alarm. `estimated` is what is expected of all
    rows of the window, with labels or without.
    """

    metric: str
    reference: Interval | None
    current: Interval | None
    labelled: int
    enough: int
    max_regression: float
    estimated: Interval | None = None

    @property
    def degraded(self) -> bool:
        """Whether the whole interval is worse than the whole interval of the reference, by more than is allowed."""
        if self.current is None or self.reference is None or self.labelled < self.enough:
            return False
        if gain_sign(self.metric) > 0:
            return self.current["high"] < self.reference["low"] - self.max_regression
        return self.current["low"] > self.reference["high"] + self.max_regression

    def to_json(self) -> dict[str, Any]:
        """As in the public contract."""
        return {
            "metric": self.metric,
            "reference": self.reference,
            "current": self.current,
            "estimated": self.estimated,
            "degraded": self.degraded,
            "labelled": self.labelled,
        }


@dataclass(frozen=True, slots=True)
class Span:
    """Times from `since` up to and without `until`, timezone-aware; None is open. `asked` says that a user set them."""

    since: datetime | None = None
    until: datetime | None = None
    by: By = "answered"
    asked: bool = False

    def to_json(self) -> dict[str, Any]:
        """RFC 3339, or null."""
        times = {"since": self.since, "until": self.until}
        return {name: None if time is None else time.isoformat() for name, time in times.items()}


@dataclass(frozen=True, slots=True)
class DriftReport:
    """One check of one version. `version` is None while none serves.

    Of an automatic check, `sources` are the objects of predictions, and `labels` the datasets of labels, that no later
    check of this version has to look at again; the window spans the first answer to the last. `reason` says why the
    report is not stored, as `key` is None then. `group` is that of the devices that answered, None for the cloud;
    `unusable` counts what they sent that could not be read.
    """

    model: str
    version: str | None
    span: Span
    rows: int
    reference_rows: int
    comparison: Comparison
    performance: Performance
    sources: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    code: str = ""
    reason: str | None = None
    key: str | None = None
    group: str | None = None
    unusable: int = 0

    @property
    def drifted(self) -> bool:
        """Whether the model is asked or answers otherwise, see `Comparison.drifted`."""
        return self.comparison.drifted

    @property
    def window(self) -> str:
        """What the report is of: the same window of the same version is the same report."""
        asked = {**self.span.to_json(), "by": self.span.by} if self.span.asked else None
        identity = {"version": self.version, "sources": self.sources, "labels": self.labels, "asked": asked}
        return f"{self.version}-{content_version(identity)}" + (f"-{self.group}" if self.group else "")

    def to_json(self) -> dict[str, Any]:
        """As in the public contract, and as stored."""
        return {
            "format": FORMAT,
            "model": self.model,
            "version": self.version,
            "window": self.span.to_json(),
            "by": self.span.by,
            "asked": self.span.asked,
            "rows": self.rows,
            "reference_rows": self.reference_rows,
            "drifted": self.drifted,
            "features": [column.to_json() for column in self.comparison.features],
            "predictions": _outputs(self.comparison.outputs),
            "multivariate": None if self.comparison.joint is None else self.comparison.joint.to_json(),
            "season": self.comparison.season,
            "importance": self.comparison.importance,
            "performance": self.performance.to_json(),
            "sources": list(self.sources),
            "labels": list(self.labels),
            "reason": self.reason,
            "group": self.group,
            "unusable": self.unusable,
            "code": self.code,
        }

    def encode(self) -> bytes:
        """The bytes that are stored."""
        return canonical_json(self.to_json())


@dataclass(frozen=True, slots=True)
class Covered:
    """What earlier automatic checks of a version have looked at."""

    sources: frozenset[str] = frozenset()
    labels: frozenset[str] = frozenset()

    def plus(self, report: bytes) -> Covered:
        """With what a stored report covers; raises Corrupt if it is none, or of a newer format."""
        return read_artefact(report, "drift report", FORMAT, self._with)

    def _with(self, fields: dict[str, Any]) -> Covered:
        if fields["asked"]:
            return self
        return Covered(self.sources | set(fields["sources"]), self.labels | set(fields["labels"]))


def _outputs(columns: tuple[ColumnDrift, ...]) -> dict[str, Any]:
    drifted = any(column.drifted for column in columns)
    return {"drifted": drifted, "outputs": [column.to_json() for column in columns]}
