"""How well the model does on what has become known since, how well it is expected to, and what that is worth."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ...domain.metrics import gain_sign
from ..charts.interval import interval
from ..charts.scale import Scale
from ..charts.timeline import Point, timeline
from ..charts.trend import Step, scale_of, told, trend
from ..facts import Interval, Measurement, ModelFacts
from ..wording import DIGITS, day, decimal, metric_name, plural, probability, signed
from .checked import measured, measurement
from .windows import ENDS, Told, bounds, times, windows

WINDOWS = 60
"""Windows that are drawn, the newest."""
SLICES = 40
"""Slices that are told, the worst."""
CAUSES = {
    "data": "other rows came than it learned from",
    "concept": "rows like those it learned from come true otherwise",
    "both": "other rows came, and rows come true otherwise than before",
    "none": "within noise",
}


def view(facts: ModelFacts) -> dict[str, Any]:
    """What the page of performance shows."""
    report = measurement(facts)
    if report is None:
        return {"finding": finding(facts), "report": None, "champion": facts.champion}
    of_metric = [other for other in measured(facts) if other["metric"] == report["metric"]]
    shown = windows(of_metric, WINDOWS)
    return {
        "finding": finding(facts),
        "report": report,
        "champion": facts.champion,
        "version": report["version"],
        "metric": metric_name(report["metric"]),
        "since_then": _since_then(facts, report),
        "chart": timeline([_point(told, report["metric"]) for told in shown], finding(facts)),
        "hidden": sum(len(other["windows"]) for other in of_metric) - len(shown),
        "rows": [_row(told) for told in reversed(shown)],
        "change": _change(report),
        "foreseen": _foreseen(report),
        "kpi": _kpi(report, shown),
        "metrics": [_figure(name, report, shown) for name in _names(report)],
        **_slices(report),
        "calibration": [_bin(found) for found in report["calibration"]],
    }


def finding(facts: ModelFacts) -> str:
    """Whether the model does as well as it promised; a sentence."""
    report = measurement(facts)
    if report is None:
        return "How well it does is not known yet: there are no labels"
    known, now = _current(report), _realised(report)
    if known is None or now is None:
        return _expected(report)
    name, was = metric_name(report["metric"]), report["reference"].get(report["metric"])
    told = f"{name} is {decimal(now['value'])} on {plural(known['labelled'], 'labelled row')}"
    if was is None:
        return told
    if report["degraded"]:
        return f"{name} got worse: {decimal(now['value'])}, and {decimal(was['value'])} was promised"
    told = f"{told}, {_against(report['metric'], now, was)} {decimal(was['value'])} promised"
    return f"{told}; the newest answers are expected to be worse" if report["expected_degraded"] else told


def _expected(report: Measurement) -> str:
    """What can be said without labels."""
    newest = next((each for each in reversed(report["windows"]) if report["metric"] in each["estimated"]), None)
    if newest is None:
        return "How well it does is not known yet: there are too few labels"
    name, found = metric_name(report["metric"]), newest["estimated"][report["metric"]]
    worse = "worse than promised: " if report["expected_degraded"] else ""
    return f"{name} is expected to be {worse}{decimal(found['value'])}; labels have not come yet"


def _against(metric: str, now: Interval, was: Interval) -> str:
    """How the measured value lies to the promised one; where the intervals meet, nobody can tell them apart."""
    if now["low"] <= was["high"] and now["high"] >= was["low"]:
        return "as good as the"
    return "better than the" if gain_sign(metric) * (now["value"] - was["value"]) > 0 else "a little less than the"


def _current(report: Measurement) -> Mapping[str, Any] | None:
    found: Mapping[str, Any] | None = report["current"]
    return found


def _realised(report: Measurement) -> Interval | None:
    current = _current(report)
    return None if current is None else current["metrics"].get(report["metric"])


def _since_then(facts: ModelFacts, report: Measurement) -> str | None:
    """The version that serves, if the newest report is on an earlier one."""
    return facts.route.champion if facts.route and facts.route.champion != report["version"] else None


def _worse(told: Told, metric: str) -> bool:
    """Whether the whole interval of a window with rows enough is worse than was promised, by more than is allowed."""
    report, window = told.report, told.window
    if "degraded" in window:  # a drift check has judged it already
        return bool(window["degraded"])
    now, was = window["metrics"].get(metric), report["reference"].get(metric)
    if now is None or was is None or window["labelled"] < report["enough"]:
        return False
    allowed = report["max_regression"]
    if gain_sign(metric) > 0:
        return bool(now["high"] < was["low"] - allowed)
    return bool(now["low"] > was["high"] + allowed)


def _point(told: Told, metric: str) -> Point:
    return Point(
        when=told.when,
        whose=told.version,
        found=bounds(told.window["metrics"].get(metric)),
        reference=bounds(told.report["reference"].get(metric)),
        expected=bounds(told.window["estimated"].get(metric)),
        alarm=_worse(told, metric),
    )


def _row(told: Told) -> dict[str, Any]:
    window, metric = told.window, told.report["metric"]
    kpi = window["kpi"] or {}
    return {
        "since": told.when,
        "until": day(window["until"]),
        "version": told.version,
        "rows": window["rows"],
        "labelled": window["labelled"],
        "found": window["metrics"].get(metric),
        "expected": window["estimated"].get(metric),
        "reference": told.report["reference"].get(metric),
        "worse": _worse(told, metric),
        "kpi": kpi.get("total"),
    }


def _names(report: Measurement) -> list[str]:
    """Every metric but the deciding one, which has the large picture."""
    windows = report["windows"]
    names = {name for each in windows for found in (each["metrics"], each["estimated"]) for name in found}
    return sorted((names | set(report["reference"])) - {report["metric"]})


def _figure(name: str, report: Measurement, shown: Sequence[Told]) -> dict[str, Any]:
    steps = [_step(told, name) for told in shown]
    reference = report["reference"].get(name)
    scale = scale_of(steps, *([reference["value"]] if reference else []))
    title = metric_name(name)
    promised = None if reference is None else reference["value"]
    return {
        "name": title,
        "lower": gain_sign(name) < 0,
        "found": (_current(report) or {"metrics": {}})["metrics"].get(name),
        "chart": trend(steps, f"{title}: {told(steps)}", scale, reference=promised, times=times(shown)),
    }


def _step(told: Told, name: str) -> Step:
    window = told.window
    return Step(bounds(window["metrics"].get(name)), bounds(window["estimated"].get(name)))


def _change(report: Measurement) -> dict[str, Any] | None:
    """Why the metric is not what it was on the holdout."""
    found = report["change"]
    if found is None:
        return None
    parts = {name: _difference(found[name]) for name in ("data", "concept")}
    total = signed(found["realised"]["value"] - found["reference"]["value"])
    return {"total": total, **parts, "p": probability(found["p"]), "cause": CAUSES[found["cause"]]}


def _difference(found: Interval) -> str:
    value, low, high = (signed(round(found[end], DIGITS)) for end in ENDS)
    return f"{value} ({low} to {high})"


def _foreseen(report: Measurement) -> str | None:
    """How good the estimates were, where labels have come since; a sentence."""
    found = report["estimate_check"]
    if found is None:
        return None
    held = f"held in {found['within']} of the {plural(found['windows'], 'window')} that have labels since"
    return f"The estimate {held}, and was {decimal(found['mean_gap'])} off in the mean"


def _kpi(report: Measurement, shown: Sequence[Told]) -> dict[str, Any] | None:
    """What an answer is worth, by the spec's value of each outcome."""
    named = report["kpi"]
    if named is None:
        return None
    current = (_current(report) or {"kpi": None})["kpi"] or {}
    return {
        "name": named["name"],
        "unit": named["unit"] or "",
        "mean": current.get("mean"),
        "total": current.get("total"),
        "chart": timeline([_worth(told) for told in shown], f"{named['name']} per answer over time"),
    }


def _worth(told: Told) -> Point:
    kpi = told.window["kpi"] or {}
    return Point(told.when, bounds(kpi.get("mean")), expected=bounds(kpi.get("estimated")), whose=told.version)


def _slices(report: Measurement) -> dict[str, Any]:
    """Each slice of the newest windows that have labels, the worst first, those of too few rows last."""
    metric, current = report["metric"], _current(report)
    every = current["slices"] if current else []
    known = [found for found in every if metric in found["metrics"]]
    known.sort(key=lambda found: gain_sign(metric) * found["metrics"][metric]["value"])
    scale = Scale.of(end for found in known for end in found["metrics"][metric].values())
    rows = [*known, *(found for found in every if metric not in found["metrics"])]
    return {"slices": list(_sliced(rows[:SLICES], metric, scale)), "more_slices": max(len(rows) - SLICES, 0)}


def _sliced(rows: Sequence[Mapping[str, Any]], metric: str, scale: Scale) -> Iterator[dict[str, Any]]:
    for row in rows:
        found = bounds(row["metrics"].get(metric))
        name = f"{row['column']} = {row['value']}"
        chart = interval(found, scale, label=name) if found else ""
        yield {"name": name, "rows": row["rows"], "labelled": row["labelled"], "found": found, "chart": chart}


def _bin(found: Mapping[str, Any]) -> dict[str, Any]:
    happened, scale = bounds(found["happened"]), Scale(0.0, 1.0)
    assert happened is not None
    off = not happened["low"] <= found["expected"] <= happened["high"]
    chart = interval(happened, scale, label=f"of {decimal(found['expected'], 2)} confidence", strong=off)
    return {"rows": found["rows"], "expected": found["expected"], "found": happened, "chart": chart, "off": off}
