"""Versions and their metrics, compared."""

from __future__ import annotations

from typing import Any

from ...domain.metrics import gain_sign
from ..charts.interval import interval
from ..charts.scale import Scale
from ..facts import ModelFacts, VersionFacts
from ..wording import brief, decimal, metric_name, plural, signed, when

COMPARED = 6
"""Versions that every metric is shown of: the one that serves and the newest."""
JUDGED = 12
"""Versions whose gates are told."""


def view(facts: ModelFacts) -> dict[str, Any]:
    """What the page of versions shows."""
    scale = Scale.of(end for version in facts.versions for end in (version.deciding or {}).values())
    compared = _compared(facts)
    return {
        "finding": finding(facts),
        "rows": [_row(facts, version, scale) for version in facts.versions],
        "hidden": facts.versions_known - len(facts.versions),
        "metric": metric_name(_metric(facts)),
        "metrics": [_metric_figure(name, compared, facts) for name in _metrics(facts, compared)],
        "judged": [_judged(facts, version) for version in facts.versions[:JUDGED] if version.gates is not None],
    }


def finding(facts: ModelFacts) -> str:
    """Who serves, how well, and how it got there; a sentence."""
    champion = facts.champion
    if champion is None:
        return "No version serves yet" if facts.route is None else f"{brief(facts.route.champion)} serves"
    found = champion.deciding
    told = f"{brief(champion.version)} serves"
    if found is None:
        return told
    against = champion.comparison
    if against is None:
        return f"{told} with {metric_name(champion.metric)} {decimal(found['value'])}"
    return f"{told}: {metric_name(against['metric'])} {signed(against['difference'])} against the version before"


def state(facts: ModelFacts, version: VersionFacts) -> tuple[str, str]:
    """What became of a version: a word, and how it is to be shown."""
    if facts.route is not None and version.version == facts.route.champion:
        return "serves", "good"
    if facts.route is not None and version.version == facts.route.challenger:
        return f"challenger, {facts.route.mode}", "note"
    if version.gates is not None and not version.passed:
        failed = [gate.gate for gate in version.gates if not gate.passed]
        return f"kept: {', '.join(failed)}", "bad"
    if facts.route is not None and version.version in facts.route.earlier:
        return "served before", "plain"
    return "kept", "plain"


def _metric(facts: ModelFacts) -> str:
    newest = facts.champion or next(iter(facts.versions), None)
    return newest.metric if newest else ""


def _compared(facts: ModelFacts) -> list[VersionFacts]:
    champion = facts.champion
    others = [version for version in facts.versions if version is not champion]
    return [*([champion] if champion else []), *others][:COMPARED]


def _metrics(facts: ModelFacts, versions: list[VersionFacts]) -> list[str]:
    """Every metric of any of them, the deciding one first."""
    names = sorted({name for version in versions for name in version.metrics})
    return sorted(names, key=lambda name: name != _metric(facts))


def _row(facts: ModelFacts, version: VersionFacts, scale: Scale) -> dict[str, Any]:
    word, kind = state(facts, version)
    label = f"{brief(version.version)}, {metric_name(version.metric)}"
    return {
        "version": version.version,
        "state": word,
        "kind": kind,
        "found": version.deciding,
        "chart": interval(version.deciding, scale, label=label, strong=kind == "good") if version.deciding else "",
        "rows": version.training_rows,
        "created": when(version.created),
    }


def _metric_figure(name: str, versions: list[VersionFacts], facts: ModelFacts) -> dict[str, Any]:
    known = [version for version in versions if name in version.metrics]
    scale = Scale.of(end for version in known for end in version.metrics[name].values())
    rows = [
        {
            "version": version.version,
            "strong": version is facts.champion,
            "found": version.metrics[name],
            "chart": interval(
                version.metrics[name],
                scale,
                label=f"{brief(version.version)}, {metric_name(name)}",
                strong=version is facts.champion,
            ),
        }
        for version in known
    ]
    return {"name": metric_name(name), "lower": gain_sign(name) < 0, "rows": rows}


def _judged(facts: ModelFacts, version: VersionFacts) -> dict[str, Any]:
    word, kind = state(facts, version)
    gates = version.gates or ()
    failed = [gate for gate in gates if not gate.passed]
    return {
        "version": version.version,
        "state": word,
        "kind": kind,
        "reason": version.reason,
        "estimator": version.estimator,
        "training_rows": version.training_rows,
        "holdout_rows": version.holdout_rows,
        "passed": f"{plural(len(failed), 'gate')} failed" if failed else f"all {plural(len(gates), 'gate')} passed",
        "gates": gates,
    }
