"""Drift checks told as a performance report, for a model that only such checks have been made of, as by hand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..facts import Check, Measurement, ModelFacts


def measured(facts: ModelFacts) -> tuple[Measurement, ...]:
    """The performance reports; where there are none, one for each drift check that had labels."""
    return facts.measured or tuple(_report(check) for check in facts.checks if check["performance"]["current"])


def measurement(facts: ModelFacts) -> Measurement | None:
    """The newest of them on the version that serves; on any version if there is none."""
    found = measured(facts)
    champion = facts.route and facts.route.champion
    serving = [report for report in found if report["version"] == champion]
    return next(reversed(serving or found), None)


def _report(check: Check) -> Measurement:
    found, window = check["performance"], _window(check)
    name = found["metric"]
    return {
        "version": check["version"],
        "metric": name,
        "by": check.get("by", "answered"),
        "unit": "check",
        "degraded": found["degraded"],
        "expected_degraded": False,
        "reference": {name: found["reference"]} if found["reference"] else {},
        "current": window,
        "windows": [window],
        "change": None,
        "calibration": [],
        "estimate_check": None,
        "kpi": None,
    }


def _window(check: Check) -> Mapping[str, Any]:
    found = check["performance"]
    name, estimated = found["metric"], found.get("estimated")
    return {
        **check["window"],
        "rows": check["rows"],
        "labelled": found["labelled"],
        "metrics": {name: found["current"]},
        "estimated": {name: estimated} if estimated else {},
        "degraded": found["degraded"],
        "kpi": None,
        "slices": [],
    }
