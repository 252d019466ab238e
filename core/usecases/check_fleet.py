"""Check what devices answered as what the cloud answers is checked: each group of devices for itself, each version.

A group's reports lie beside those of the cloud and name the group. Devices may run a version that serves no more in the
cloud, or none yet: it is checked against what that version learned from.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..domain.drift.report import DriftReport, Span
from ..domain.performance.report import PerformanceReport
from ..errors import NotFound
from ..ports import Reads, ReadsLists, ReadsListsCreates
from ..spec import ModelSpec
from .check_drift import check_answers
from .check_performance import measure_answers
from .load_model import read_manifest
from .sources import GroupAnswers, groups_of


@dataclass(frozen=True, slots=True)
class GroupCheck:
    """What was found of one group of devices and one version."""

    group: str
    version: str
    drift: DriftReport
    performance: PerformanceReport


def check_fleet(
    edge: ReadsLists, models: Reads, datasets: ReadsLists, reports: ReadsListsCreates, *, spec: ModelSpec, code: str
) -> tuple[GroupCheck, ...]:
    """Check every group on what is new, and measure it; a version that is not in the registry is passed over."""
    checks = []
    for (group, version), segments in sorted(groups_of(edge, spec.model).items(), key=lambda item: item[0]):
        try:
            manifest = read_manifest(models, spec.model, version)
        except NotFound:
            continue
        where = (manifest, models, datasets, reports)
        drift = check_answers(GroupAnswers(edge, group, segments), *where, spec=spec, code=code, span=Span())
        measured = measure_answers(GroupAnswers(edge, group, segments), *where, spec=spec, code=code)
        checks.append(GroupCheck(group, version, drift, measured))
    return tuple(checks)
