"""Facts to draw pages of: a model with a past, an empty one, a hostile one, and a huge one."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from core.domain.checks.check import Check
from core.domain.dataset import DatasetManifest, Part, Source
from core.domain.drift.distribution import distribution
from core.domain.drift.tally import tally
from core.domain.evolution import Evolution, SchemaChange
from core.domain.gates import Verdict
from core.domain.journal import Entry
from core.domain.receipt import Receipt
from core.domain.route import Route
from core.domain.schema import Feature, Schema
from core.domain.sketch import CategoryCounts, NumberSketch
from core.domain.validation import ValidationReport
from core.report.facts import ModelFacts, VersionFacts
from tests.unit.report import fleets, measured

HOSTILE = "<script>alert('x')</script>\"'><img src=x onerror=alert(1)>&amp;"


def found(value: float, spread: float = 0.01) -> dict[str, float]:
    return {"value": value, "low": value - spread, "high": value + spread}


def version(number: int, name: str = "", *, passed: bool = True) -> VersionFacts:
    return VersionFacts(
        version=f"{number:016x}",
        created=f"2026-{number % 12 + 1:02}-01T06:00:00+00:00",
        metric="roc_auc",
        metrics={"roc_auc": found(0.7 + number % 7 / 100), "brier": found(0.2)},
        datasets=tuple(f"{dataset:016x}" for dataset in range(3)),
        training_rows=10_000 + number,
        holdout_rows=2_500,
        estimator=name or "hist-gradient-boosting",
        reason=name or "1,000 new rows",
        gates=(Verdict("min", passed=passed, detail=name or "roc_auc is 0.7, at least 0.6 is wanted."),),
        comparison={
            "metric": "roc_auc",
            "candidate": 0.72,
            "champion": 0.7,
            "difference": 0.02,
            "low": 0.01,
            "high": 0.03,
            "rows": 2_500,
        },
    )


def column(name: str, *, drifted: bool = False, effect: float = 0.01, seed: int = 0) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    values = rng.normal(size=1_000)
    counted = distribution(NumberSketch.of(values), tally(NumberSketch.of(values), values[:500] + 2 * effect))
    return _column(name, drifted, effect, counted, "ks")


def category(name: str, names: list[str], *, drifted: bool = False, effect: float = 0.01) -> dict[str, Any]:
    values = np.array(names * 20, dtype=object)
    reference = CategoryCounts.of(values)
    return _column(name, drifted, effect, distribution(reference, tally(reference, values[:-7])), "chi2")


def _column(name, drifted, effect, counted, test):
    return {
        "name": name,
        "drifted": drifted,
        "found": [test] if drifted else [],
        "tests": {test: {"statistic": effect, "p": 0.01, "q": 0.02}},
        "effect": effect,
        "nulls": 3,
        "unseen": 0,
        "distribution": counted.to_json(),
    }


def check(
    of: str, features: list[dict[str, Any]], *, month: int = 1, labelled: int = 500, joint: bool = False
) -> dict[str, Any]:
    drifted = any(item["drifted"] for item in features)
    current = found(0.7 - month / 100) if labelled else None
    return {
        "format": 1,
        "version": of,
        "window": {"since": f"2026-{month:02}-01T00:00:00+00:00", "until": f"2026-{month:02}-28T00:00:00+00:00"},
        "rows": 4_000,
        "reference_rows": 10_000,
        "drifted": drifted,
        "features": features,
        "predictions": {"drifted": False, "outputs": [column("probability_yes")]},
        "multivariate": column("joint", drifted=True, effect=0.2) if joint else None,
        "season": "week" if joint else None,
        "importance": 0.4,
        "performance": {
            "metric": "roc_auc",
            "reference": found(0.72),
            "current": current,
            "estimated": None,
            "degraded": month > 4,
            "labelled": labelled,
        },
    }


def entry(number: int, kind: str = "promoted", **evidence: Any) -> Entry:
    return Entry(number, "", f"2026-01-{number % 28 + 1:02}T06:00:00+00:00", f"d{number}", kind, evidence, "c", ())


def manifest(number: int, key: str) -> DatasetManifest:
    schema = Schema("m", "binary", "y", (Feature("x", "number"),))
    source = Source(key, "v", "ab" * 32)
    return DatasetManifest("m", f"{number:016x}", "rows", source, schema, 1_000, 3, (Part(1_000, "ab" * 32),), "c")


def model(
    name: str = "flights",
    word: str = "",
    *,
    versions: int = 5,
    features: int = 12,
    windows: int = 12,
    groups: int = 3,
    checks: int = 6,
    devices: int = 8,
) -> ModelFacts:
    """A model with a past. `word` stands wherever a user, a file or a spec may put one."""
    columns = [
        column(f"{word or 'feature'} {number}", drifted=number < 3, effect=0.3 / (number + 1), seed=number)
        for number in range(features - 1)
    ]
    columns.append(category(f"{word or 'colour'}", [word or "red", "green", *map(str, range(9))], effect=0.2))
    champion = f"{versions - 1:016x}"
    datasets = {f"{number:016x}": manifest(number, f"{name}/rows/{word or 'May'}{number}.csv") for number in range(3)}
    rule = Check("rule", None, "error", False, f"{word or 'x < y'} fails in 3 rows", ({word or "x": word or 3},))
    expectation = Check("expectation", None, "warning", passed=True, detail=f"{word or 'few late'}: as expected")
    changes = (SchemaChange(word or "z", word or "was added and is required", compatible=False),)
    changes += (SchemaChange(None, "has its features in another order", compatible=True),)
    warning = Check("nulls as before", "x", "warning", passed=False, detail=word or "12.0% of x is null")
    error = Check("unique id", "id", "error", passed=False, detail=word or "4 rows have an id that occurs before")
    return ModelFacts(
        model=name,
        route=Route(name, champion, f"{versions - 2:016x}", "canary", 0.1, (f"{versions - 3:016x}",)),
        versions=tuple(version(number, word, passed=number != 1) for number in reversed(range(versions))),
        versions_known=versions,
        checks=tuple(check(champion, columns, month=1 + month % 12, joint=True) for month in range(checks)),
        measured=(
            measured.measurement(champion, word, count=windows, slices=4 * groups, fairness=f"{name}/fairness/x.json"),
        ),
        fairness=(measured.fairness(champion, word, count=windows, groups=groups, columns=2 * groups),),
        alerts=(
            measured.alert(1, "open", "warning", word),
            measured.alert(2, "open", "critical", word),
            measured.alert(3, "acknowledged", "warning", word),
            *(measured.alert(number, "resolved", "info", word) for number in range(4, 4 + versions)),
        ),
        alerts_known=3 + versions,
        validations=(
            ValidationReport(name, f"{0:016x}", 1_000, (rule, expectation, warning), "c", Evolution("d1", changes)),
            ValidationReport(name, f"{1:016x}", 1_000, (error, expectation, warning), "c"),
        ),
        receipts=(
            Receipt(name, "s1", f"{name}/rows/{word or 'May'}.csv", "v", "ingested", f"{0:016x}", 1_000, 3),
            Receipt(
                name, "s2", f"{name}/rows/{word or 'bad'}.csv", "v", "refused", None, 0, 0, reason=word or "empty."
            ),
        ),
        rejected={"s1": {word or "x: is missing": 2, "y: is missing": 1}},
        datasets=datasets,
        entries=tuple(entry(number, word or "promoted", reason=word or "by hand") for number in range(9, 0, -1)),
        entries_known=9,
        fleet=fleets.fleet(name, devices, word),
        groups={word or "north": check(champion, columns, month=5) | {"group": word or "north", "unusable": 3}},
    )


@cache
def hostile() -> ModelFacts:
    return model("hostile", HOSTILE)


@cache
def huge() -> ModelFacts:
    """As much as a page may ever be given, with 500 features."""
    return model("huge", versions=50, features=500, windows=62, groups=12, checks=40, devices=1_000)
