"""What the pages tell, as plain values: `core.usecases.site_facts` reads them, `core.report.pages` draws them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from ..domain.alert import Alert
from ..domain.dataset import DatasetManifest
from ..domain.fleet import Fleet
from ..domain.gates import Verdict
from ..domain.journal import Entry
from ..domain.receipt import Receipt
from ..domain.route import Route
from ..domain.validation import ValidationReport

Interval: TypeAlias = Mapping[str, float]
"""value, low and high."""

Check: TypeAlias = Mapping[str, Any]
"""A drift report as it is stored."""

Measurement: TypeAlias = Mapping[str, Any]
"""A performance report as it is stored."""

Fairness: TypeAlias = Mapping[str, Any]
"""A fairness report as it is stored."""


@dataclass(frozen=True, slots=True)
class VersionFacts:
    """One version of a model. `created` is when its training was claimed, RFC 3339; empty where nobody knows.

    `gates` is None for a version that no training judged. `against` was champion when it was.
    """

    version: str
    created: str
    metric: str
    metrics: Mapping[str, Interval]
    datasets: tuple[str, ...]
    training_rows: int
    holdout_rows: int
    estimator: str = ""
    reason: str = ""
    gates: tuple[Verdict, ...] | None = None
    against: str | None = None
    comparison: Mapping[str, Any] | None = None

    @property
    def passed(self) -> bool:
        """Whether it passed every gate."""
        return self.gates is not None and all(gate.passed for gate in self.gates)

    @property
    def deciding(self) -> Interval | None:
        """The deciding metric on its own holdout."""
        return self.metrics.get(self.metric)


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """Everything that the pages of one model tell. What there can be much of is the newest, and counted.

    `versions`, `entries`, `validations`, `receipts` and `alerts` are newest first, `checks` oldest first.
    `versions_known`, `entries_known` and `alerts_known` count those that are stored. `measured` has the newest
    performance report of each version, the one that answered last at the end, and `fairness` those that belong to them.
    `rejected` has the reasons with their rows, by source. `broken` is the number of the first of the entries that does
    not follow from the one before it. `fleet` are the devices that sent something back, `groups` the newest drift check
    of each group of them.
    """

    model: str
    route: Route | None = None
    versions: tuple[VersionFacts, ...] = ()
    versions_known: int = 0
    checks: tuple[Check, ...] = ()
    measured: tuple[Measurement, ...] = ()
    fairness: tuple[Fairness, ...] = ()
    alerts: tuple[Alert, ...] = ()
    alerts_known: int = 0
    validations: tuple[ValidationReport, ...] = ()
    receipts: tuple[Receipt, ...] = ()
    rejected: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    datasets: Mapping[str, DatasetManifest] = field(default_factory=dict)
    entries: tuple[Entry, ...] = ()
    entries_known: int = 0
    broken: int | None = None
    fleet: Fleet | None = None
    groups: Mapping[str, Check] = field(default_factory=dict)

    @property
    def champion(self) -> VersionFacts | None:
        """The version that serves."""
        return None if self.route is None else self.version(self.route.champion)

    @property
    def check(self) -> Check | None:
        """The newest drift check of the version that serves; of any version if there is none."""
        serving = [check for check in self.checks if self.route and check["version"] == self.route.champion]
        return next(reversed(serving or self.checks), None)

    @property
    def degraded(self) -> bool:
        """Whether the answers of the version that serves got worse; a performance report knows better than a check."""
        champion = self.route and self.route.champion
        measured = [report["degraded"] for report in self.measured if report["version"] == champion]
        checked = [check["performance"]["degraded"] for check in self.checks if check["version"] == champion]
        return bool((measured or checked or [False])[-1])

    def version(self, version: str | None) -> VersionFacts | None:
        """What is known of a version."""
        return next((facts for facts in self.versions if facts.version == version), None)


@dataclass(frozen=True, slots=True)
class ModelSummary:
    """What the overview tells of one model.

    `checked` is the newest drift check of the version that serves, `measured` its newest performance report.
    `devices` says that devices run it.
    """

    model: str
    route: Route | None = None
    metric: str = ""
    value: Interval | None = None
    checked: Check | None = None
    measured: Measurement | None = None
    devices: bool = False

    @property
    def degraded(self) -> bool:
        """Whether its answers got worse."""
        if self.measured is not None:
            return bool(self.measured["degraded"])
        return bool(self.checked and self.checked["performance"]["degraded"])
