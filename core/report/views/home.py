"""The first page of a model, and the page of all models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..charts.interval import interval
from ..charts.scale import Scale
from ..facts import ModelFacts, ModelSummary
from ..wording import brief, metric_name, plural, when
from . import alerts, data, drift, fairness, fleet, journal, lineage, performance, versions

LATEST = 6


def view(facts: ModelFacts) -> dict[str, Any]:
    """What the first page of a model shows: what each other page found."""
    told = [
        ("versions.html", "Versions", versions.finding(facts)),
        ("drift.html", "Drift", drift.finding(facts)),
        ("performance.html", "Performance", performance.finding(facts)),
        ("fairness.html", "Fairness", fairness.finding(facts)),
        ("data.html", "Data", data.finding(facts)),
        ("fleet.html", "Fleet", fleet.finding(facts)),
        ("alerts.html", "Alerts", alerts.finding(facts)),
        ("lineage.html", "Lineage", lineage.finding(facts)),
        ("journal.html", "Journal", journal.finding(facts)),
    ]
    return {
        "finding": finding(facts),
        "champion": facts.champion,
        "metric": metric_name(facts.champion.metric) if facts.champion else "",
        "since": when(facts.champion.created) if facts.champion else "",
        "told": told,
        "latest": [journal.row(entry) for entry in facts.entries[:LATEST]],
        "empty": not (facts.entries or facts.receipts or facts.versions or facts.checks),
    }


def finding(facts: ModelFacts) -> str:
    """How the model is; a sentence."""
    if facts.route is None:
        return "No version serves yet"
    check = facts.check
    serves = f"{brief(facts.route.champion)} serves"
    if check is None or check["version"] != facts.route.champion:
        return f"{serves}, not checked for drift yet"
    alarms = [
        *(["drift"] if check["drifted"] else []),
        *(["worse answers"] if facts.degraded else []),
    ]
    return f"{serves}, and the last check found {' and '.join(alarms) or 'no drift'}"


def overview(summaries: Sequence[ModelSummary]) -> dict[str, Any]:
    """What the page of all models shows."""
    serving = sum(summary.route is not None for summary in summaries)
    alarms = [summary.model for summary in summaries if _alarmed(summary)]
    told = f"{plural(serving, 'model serves', 'models serve')}" if summaries else "No model yet"
    if alarms:
        told += f", {len(alarms)} with drift or worse answers"
    elif any(summary.checked for summary in summaries):
        told += ", none with drift"
    return {"finding": told, "rows": [_summary(summary) for summary in summaries]}


def _alarmed(summary: ModelSummary) -> bool:
    check = summary.checked
    return bool(check and check["drifted"]) or summary.degraded


def _summary(summary: ModelSummary) -> dict[str, Any]:
    scale = Scale(0.0, 1.0)
    bounded = summary.value and 0 <= summary.value["low"] <= summary.value["high"] <= 1
    return {
        "model": summary.model,
        "champion": summary.route.champion if summary.route else None,
        "challenger": summary.route.challenger if summary.route else None,
        "mode": summary.route.mode if summary.route else "",
        "devices": summary.devices,
        "metric": metric_name(summary.metric),
        "value": summary.value,
        "chart": interval(summary.value, scale, label=metric_name(summary.metric)) if summary.value and bounded else "",
        **_checked(summary),
    }


def _checked(summary: ModelSummary) -> dict[str, Any]:
    check = summary.checked
    if check is None:
        return {"drift": None, "drifted": False, "degraded": summary.degraded}
    drifted = sum(column["drifted"] for column in check["features"])
    told = f"{drifted} of {len(check['features'])} features" if check["drifted"] else "none"
    return {
        "drift": told,
        "drifted": check["drifted"],
        "degraded": summary.degraded,
        "checked": when(check["window"]["until"]),
    }
