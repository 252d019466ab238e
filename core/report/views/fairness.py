"""How alike groups are treated, now and over time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..charts.interval import interval
from ..charts.scale import Scale
from ..charts.trend import Step, told, trend
from ..facts import Fairness, Interval, ModelFacts
from ..wording import listed, plural
from .windows import Told, bounds, times, windows

WINDOWS = 24
"""Windows that are drawn, the newest."""
GAPS = 60
SECTIONS = 4
GROUPS = 8
"""Gaps that are told, sections that are drawn, and groups of each; those that differ most, and the largest."""
MEASURES = {
    "demographic_parity": "demographic parity",
    "equalized_odds": "equalized odds",
    "equal_opportunity": "equal opportunity",
    "predictive_parity": "predictive parity",
}
RATES = {
    "selection_rate": "answered so",
    "true_positive_rate": "answered so of those where it was true",
    "false_positive_rate": "answered so of those where it was not",
    "precision": "true where it was answered so",
}
WHOLE = Scale(0.0, 1.0)
LEAST = 0.01
"""The least rate that the axis of rates over time reaches to."""

Section = Mapping[str, Any]
Gap = tuple[Section, str, Mapping[str, Any]]


def view(facts: ModelFacts) -> dict[str, Any]:
    """What the page of fairness shows."""
    report = _newest(facts)
    if report is None:
        return {"finding": finding(facts), "report": None, "columns": _columns(facts)}
    sections, gaps = _ranked(_sections(report)), _gaps(report)
    shown = windows(facts.fairness, WINDOWS)
    return {
        "finding": finding(facts),
        "report": report,
        "version": report["version"],
        "window": _window(report),
        "gaps": [_row(gap) for gap in gaps[:GAPS]],
        "more_gaps": max(len(gaps) - GAPS, 0),
        "unknown": _unknown(report),
        "sections": [_pictures(section, shown) for section in sections[:SECTIONS]],
        "more_sections": max(len(sections) - SECTIONS, 0),
    }


def finding(facts: ModelFacts) -> str:
    """Between which groups the answers differ beyond noise; a sentence."""
    report = _newest(facts)
    if report is None:
        return "Nothing is known of groups yet"
    gaps = _gaps(report)
    if not gaps:
        return "The groups are too small to tell whether they are treated alike"
    apart = [_title(section) for section, _, gap in gaps if gap["differs"]]
    if apart:
        return f"Answers differ by {listed(list(dict.fromkeys(apart)))}"
    compared = listed(list(dict.fromkeys(_title(section) for section, _, _ in gaps)))
    return f"No difference beyond noise between the groups of {compared}"


def _newest(facts: ModelFacts) -> Fairness | None:
    """The report of the version that serves; of any version if there is none."""
    champion = facts.route and facts.route.champion
    serving = [report for report in facts.fairness if report["version"] == champion]
    return next(reversed(serving or facts.fairness), None)


def _columns(facts: ModelFacts) -> list[str]:
    """What the spec of the newest dataset calls sensitive."""
    newest = next(iter(facts.datasets.values()), None)
    return list(newest.schema.sensitive) if newest else []


def _window(report: Fairness) -> Mapping[str, Any] | None:
    """The windows that have labels enough; else the newest one, where only the answers are known."""
    found: Mapping[str, Any] | None = report["current"] or next(reversed(report["windows"]), None)
    return found


def _sections(report: Fairness) -> Sequence[Section]:
    window = _window(report)
    return window["sections"] if window else ()


def _gaps(report: Fairness) -> list[Gap]:
    """Every gap that is known, those beyond noise first, then by their size."""
    found = [
        (section, name, section["measures"][name])
        for section in _sections(report)
        for name in MEASURES
        if section["measures"][name] is not None
    ]
    return sorted(found, key=lambda gap: (not gap[2]["differs"], -gap[2]["difference"]["value"]))


def _unknown(report: Fairness) -> list[str]:
    """What no two groups of rows enough are known of, a sentence each."""
    return [
        f"{MEASURES[name]} by {_title(section)}"
        for section in _sections(report)
        for name in MEASURES
        if section["measures"][name] is None
    ]


def _ranked(sections: Sequence[Section]) -> list[Section]:
    """Those with the largest gap first; equal ones stay in the spec's order."""
    return sorted(sections, key=lambda section: -max(map(_size, section["measures"].values()), default=0.0))


def _size(gap: Mapping[str, Any] | None) -> float:
    return float(gap["difference"]["value"]) if gap else 0.0


def _title(section: Section) -> str:
    return " and ".join(section["columns"])


def _group(named: Mapping[str, str]) -> str:
    return ", ".join(named.values())


def _row(found: Gap) -> dict[str, Any]:
    section, name, gap = found
    difference = bounds(gap["difference"])
    assert difference is not None
    label = f"{_title(section)}, {MEASURES[name]}"
    return {
        "columns": _title(section),
        "positive": section["positive"],
        "measure": MEASURES[name],
        "lowest": _group(gap["lowest"]),
        "highest": _group(gap["highest"]),
        "difference": difference,
        "ratio": gap["ratio"],
        "chart": interval(difference, WHOLE, label=label, strong=gap["differs"]),
        "differs": gap["differs"],
    }


def _pictures(section: Section, shown: Sequence[Told]) -> dict[str, Any]:
    groups = sorted(section["groups"], key=lambda group: -group["rows"])
    past = [_same(told, section) for told in shown]
    rates = [name for name in RATES if any(name in group["rates"] for group in groups)]
    return {
        "title": _title(section),
        "positive": section["positive"],
        "times": times(shown) if shown else None,
        "groups": [_counted(group) for group in groups[:GROUPS]],
        "more": max(len(groups) - GROUPS, 0),
        "rates": [_rate(name, groups[:GROUPS], past) for name in rates],
    }


def _counted(group: Mapping[str, Any]) -> dict[str, Any]:
    few = group["too_small"]
    small = [f"{told} ({plural(few[name], 'row')})" for name, told in RATES.items() if name in few]
    return {"name": _group(group["group"]), "rows": group["rows"], "labelled": group["labelled"], "small": small}


def _same(told: Told, section: Section) -> Section | None:
    """The same columns and class in another window."""
    wanted = (section["columns"], section["positive"])
    return next((each for each in told.window["sections"] if (each["columns"], each["positive"]) == wanted), None)


def _rate(name: str, groups: Sequence[Mapping[str, Any]], past: Sequence[Section | None]) -> dict[str, Any]:
    """One rate of each group over time, on an axis from 0 that the groups share."""
    steps = [[Step(bounds(rate)) for rate in _rates(group["group"], name, past)] for group in groups]
    highest = max((step.found["high"] for each in steps for step in each if step.found), default=1.0)
    scale = Scale(0.0, max(highest, LEAST))
    rows = [_rated(group, name, each, scale) for group, each in zip(groups, steps, strict=True)]
    return {"name": RATES[name], "rows": rows}


def _rated(group: Mapping[str, Any], name: str, steps: Sequence[Step], scale: Scale) -> dict[str, Any]:
    title = _group(group["group"])
    known = any(step.found for step in steps)
    return {
        "name": title,
        "found": bounds(group["rates"].get(name)),
        "too_small": group["too_small"].get(name),
        "chart": trend(steps, f"{title}, {RATES[name]}: {told(steps)}", scale) if known else "",
    }


def _rates(named: Mapping[str, str], rate: str, past: Sequence[Section | None]) -> Iterator[Interval | None]:
    """The rate of one group in each window."""
    for section in past:
        groups = section["groups"] if section else ()
        found = next((group for group in groups if group["group"] == named), None)
        yield found["rates"].get(rate) if found else None
