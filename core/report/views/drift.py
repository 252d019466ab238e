"""Drift: the newest check as small multiples, and every check over time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from markupsafe import Markup

from ..charts.histogram import distribution
from ..charts.scale import Scale
from ..charts.trend import Step, of_value, trend
from ..facts import Check, ModelFacts
from ..wording import day, listed, percent, plural, when

PICTURES = 48
"""Features that have a picture, those with the largest effects; a table has all of them."""
ROWS = 600
FLOOR = 0.1
"""The least effect that the axis of effects over time reaches to: smaller ones are to look small."""
SEASONS = {"day": "time of day", "week": "day of the week", "year": "month of the year"}
"""Columns in the table."""
TESTS = {
    "ks": "Kolmogorov-Smirnov",
    "chi2": "chi-squared",
    "g": "the G test",
    "wasserstein": "Wasserstein distance",
    "psi": "population stability index",
    "js": "Jensen-Shannon distance",
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
    joint, past = check.get("multivariate"), [_Past(other) for other in facts.checks]
    return {
        "finding": finding(facts),
        "check": check,
        "window": window(check),
        "version": check["version"],
        "since_then": _since_then(facts, check),
        "season": SEASONS.get(check.get("season") or ""),
        "features": [_figure(column, check, past) for column in columns[:PICTURES]],
        "outputs": [_figure(column, check, past) for column in outputs[:PICTURES]],
        "together": _figure(joint, check, past) if joint else None,
        "important": any(column.get("importance") is not None for column in columns),
        "tables": [_row(column, check) for column in [*columns, *outputs, *([joint] if joint else [])][:ROWS]],
        "total": len(columns),
        "checks": len(facts.checks),
    }


def finding(facts: ModelFacts) -> str:
    """How much drifted in the newest check; a sentence."""
    check = facts.check
    if check is None:
        return "Nothing has been checked for drift yet"
    features = _ranked(column for column in check["features"] if column["drifted"])
    total = len(check["features"])
    if features:
        told = f"{len(features)} of {plural(total, 'feature')} drifted: {listed([item['name'] for item in features])}"
        return told if check["drifted"] else f"{told}; too unimportant for an alarm"
    if check["predictions"]["drifted"]:
        return "The predictions drifted, though no feature did"
    if check["drifted"]:
        return "Features go together otherwise than before, though none drifted by itself"
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


class _Past:
    """One check: when it was, and its columns by name, those of outputs and of all together included."""

    def __init__(self, check: Check) -> None:
        self.when = day(check["window"]["until"])
        self.columns = {column["name"]: column for column in _every(check)}


def _every(check: Check) -> Iterator[Mapping[str, Any]]:
    yield from check["features"]
    yield from check["predictions"].get("outputs", [])
    if check.get("multivariate"):
        yield check["multivariate"]


def _figure(column: Mapping[str, Any], check: Check, past: Sequence[_Past]) -> dict[str, Any]:
    found = column.get("distribution")
    label = f"{column['name']} when the version learned and now: {_verdict(column)}"
    steps = [_step(other, column["name"]) for other in past]
    drifts = f"drifted in {sum(step.alarm for step in steps)} of {plural(len(steps), 'check')}"
    return {
        **_row(column, check),
        "chart": distribution(found, label) if found else None,
        "drifts": drifts,
        "trend": _trend(steps, f"{column['name']}: {drifts}") if len(past) > 1 else None,
    }


def _step(past: _Past, name: str) -> Step:
    column = past.columns.get(name)
    if column is None:
        return Step(None, when=past.when)
    return Step(of_value(column["effect"]), alarm=column["drifted"], when=past.when)


def _trend(steps: Sequence[Step], label: str) -> Markup:
    """The effect in each check, from nothing up, on an axis that small ones look small on."""
    highest = max(FLOOR, *(step.found["value"] for step in steps if step.found), 0.0)
    return trend(steps, label, Scale(0.0, 1.1 * highest), times=(steps[0].when, steps[-1].when))


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
        "importance": None if column.get("importance") is None else percent(column["importance"]),
        "q": min((test["q"] for test in tests.values()), default=None),
    }
