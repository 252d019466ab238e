"""How well the model does on what has become known since."""

from __future__ import annotations

from typing import Any

from ...domain.metrics import gain_sign
from ..charts.timeline import Point, timeline
from ..facts import Check, Interval, ModelFacts
from ..wording import brief, day, decimal, metric_name, plural
from .drift import window

ENDS = ("value", "low", "high")


def view(facts: ModelFacts) -> dict[str, Any]:
    """What the page of performance shows."""
    checks = _measured(facts)
    if not checks:
        return {"finding": finding(facts), "rows": [], "champion": facts.champion}
    newest = checks[-1]["performance"]
    return {
        "finding": finding(facts),
        "champion": facts.champion,
        "metric": metric_name(newest["metric"]),
        "reference": newest["reference"],
        "chart": timeline([_point(check) for check in checks], finding(facts)),
        "rows": [_row(check) for check in reversed(checks)],
        "estimates": any(check["performance"].get("estimated") for check in checks),
    }


def finding(facts: ModelFacts) -> str:
    """Whether the model does as well as it promised; a sentence."""
    checks = _measured(facts)
    if not checks:
        return "How well it does is not known yet: there are no labels"
    found = checks[-1]["performance"]
    name, now, was = metric_name(found["metric"]), found["current"], found["reference"]
    told = f"{name} is {decimal(now['value'])} on {plural(found['labelled'], 'labelled row')}"
    if was is None:
        return told
    if found["degraded"]:
        return f"{name} got worse: {decimal(now['value'])}, and {decimal(was['value'])} was promised"
    return f"{told}, {_against(found['metric'], now, was)} {decimal(was['value'])} promised"


def _against(metric: str, now: Interval, was: Interval) -> str:
    """How the measured value lies to the promised one; where the intervals meet, nobody can tell them apart."""
    if now["low"] <= was["high"] and now["high"] >= was["low"]:
        return "as good as the"
    return "better than the" if gain_sign(metric) * (now["value"] - was["value"]) > 0 else "a little less than the"


def _measured(facts: ModelFacts) -> list[Check]:
    """Checks that had labels, of the metric that the newest of them has."""
    known = [check for check in facts.checks if check["performance"]["current"]]
    return [check for check in known if check["performance"]["metric"] == known[-1]["performance"]["metric"]]


def _point(check: Check) -> Point:
    found = check["performance"]
    current, reference = (found[side] and {end: found[side][end] for end in ENDS} for side in ("current", "reference"))
    return Point(day(check["window"]["until"]), current, reference, found["degraded"])


def _row(check: Check) -> dict[str, Any]:
    found = check["performance"]
    return {
        "window": window(check),
        "version": brief(check["version"]),
        "labelled": found["labelled"],
        "current": found["current"],
        "reference": found["reference"],
        "estimated": found.get("estimated"),
        "degraded": found["degraded"],
    }
