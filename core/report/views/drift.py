"""Drift: the newest check as small multiples, and every check over time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..charts.histogram import distribution
from ..charts.strip import Cell, strip
from ..facts import Check, ModelFacts
from ..wording import brief, day, listed, percent, plural, when

PICTURES = 48
"""Features that have a picture, those with the largest effects; a table has all of them."""
ROWS = 600
STRIPS = 60
"""Features in the tables."""
TESTS = {
    "ks": "Kolmogorov-Smirnov",
    "chi2": "chi-squared",
    "psi": "population stability index",
    "nulls": "share of nulls",
    "unseen": "unseen categories",
}


def view(facts: ModelFacts) -> dict[str, Any]:
    """What the page of drift shows."""
    check = facts.check
    if check is None:
        return {"finding": finding(facts), "check": None}
    columns = _ranked(check["features"])
    outputs = check["predictions"].get("outputs", [])
    return {
        "finding": finding(facts),
        "check": check,
        "window": window(check),
        "version": check["version"],
        "since_then": _since_then(facts, check),
        "features": [_figure(column, check) for column in columns[:PICTURES]],
        "outputs": [_figure(column, check) for column in outputs[:PICTURES]],
        "tables": [_row(column, check) for column in [*columns, *outputs][:ROWS]],
        "total": len(columns),
        "checks": len(facts.checks),
        "strips": _strips(facts.checks, [column["name"] for column in columns[:STRIPS]]),
        "since": day(facts.checks[0]["window"]["until"]),
        "until": day(facts.checks[-1]["window"]["until"]),
    }


def finding(facts: ModelFacts) -> str:
    """How much drifted in the newest check; a sentence."""
    check = facts.check
    if check is None:
        return "Nothing has been checked for drift yet"
    features = _ranked(column for column in check["features"] if column["drifted"])
    total = len(check["features"])
    if features:
        return f"{len(features)} of {plural(total, 'feature')} drifted: {listed([item['name'] for item in features])}"
    if check["drifted"]:
        return "The predictions drifted, though no feature did"
    return f"No drift in {plural(total, 'feature')}"


def _since_then(facts: ModelFacts, check: Check) -> str | None:
    """The version that serves, if the check is of an earlier one."""
    return facts.route.champion if facts.route and facts.route.champion != check["version"] else None


def window(check: Check) -> list[str]:
    """The times that a check is from and to; one if they are the same to the minute, none if it is of any time."""
    return list(dict.fromkeys(when(time) for time in (check["window"]["since"], check["window"]["until"]) if time))


def _ranked(columns: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Drifted first, then by effect; equal ones stay in the spec's order."""
    return sorted(columns, key=lambda column: (not column["drifted"], -column["effect"]))


def _figure(column: Mapping[str, Any], check: Check) -> dict[str, Any]:
    found = column.get("distribution")
    label = f"{column['name']} when the version learned and now: {_verdict(column)}"
    return {**_row(column, check), "chart": distribution(found, label) if found else None}


def _verdict(column: Mapping[str, Any]) -> str:
    found = listed([TESTS.get(test, test) for test in column["found"]])
    changed = f"{percent(column['effect'])} of rows changed"
    return f"{changed}, found by {found}" if found else changed


def _row(column: Mapping[str, Any], check: Check) -> dict[str, Any]:
    tests = {name: column["tests"][name] for name in TESTS if name in column["tests"]}
    return {
        "name": column["name"],
        "drifted": column["drifted"],
        "effect": percent(column["effect"]),
        "found": listed([TESTS.get(test, test) for test in column["found"]]),
        "nulls": percent(column["nulls"] / check["rows"]) if check["rows"] else "–",
        "unseen": column["unseen"],
        "q": min((test["q"] for test in tests.values()), default=None),
    }


def _strips(checks: Sequence[Check], names: Sequence[str]) -> list[dict[str, Any]]:
    by_check = [(check, {column["name"]: column for column in check["features"]}) for check in checks]
    return [_strip(name, by_check) for name in names]


def _strip(name: str, by_check: Sequence[tuple[Check, Mapping[str, Mapping[str, Any]]]]) -> dict[str, Any]:
    cells = [_cell(check, columns.get(name)) for check, columns in by_check]
    drifts = sum(cell.drifted for cell in cells)
    label = f"{name}: drifted in {drifts} of {plural(len(cells), 'check')}"
    return {"name": name, "drifts": drifts, "chart": strip(cells, label)}


def _cell(check: Check, column: Mapping[str, Any] | None) -> Cell:
    told = f"{day(check['window']['until'])}, {brief(check['version'])}"
    return Cell(told, column["effect"], column["drifted"]) if column else Cell(told, None)
