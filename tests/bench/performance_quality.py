"""How well performance is estimated before labels come, on the flights of 2013; with --peers beside NannyML.

`python -m tests.bench.performance_quality --json` answers month by month whether a flight is late, and as a regression
how hard the wind blows. `year` learned from a part of every month, so that the estimate ought to come true; `spring`
from January to March alone, so that the rest of the year need not. For each metric it prints how far the estimate of a
month is from what was realised in the mean, and how many intervals hold it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from core.domain.performance.measuring import Yardstick

from ._common import ROOT, environment, parser, show
from .performance_parts.flights import Scored, spring, year

CLASSIFIER = ("accuracy", "f1", "roc_auc")
REGRESSION = ("mae", "rmse")
PINS = Path(__file__).parent / "drift_peers" / "nannyml.txt"


def main() -> None:
    """Learn, answer, compare."""
    options = parser(str(__doc__).splitlines()[0])
    options.add_argument("--peers", action="store_true", help="NannyML too, in an environment of its own")
    chosen = options.parse_args()
    result: dict[str, Any] = {}
    for name, learned in {"year": year, "spring": spring}.items():
        late = learned(task="binary", target="late")
        months = compared(late, CLASSIFIER)
        result[name] = {**summary(months, CLASSIFIER), "months": months}
        if chosen.peers:
            result[name]["nannyml"] = beside(months, nannyml(late))
        wind = compared(learned(task="regression", target="wind_speed"), REGRESSION)
        result[name]["regression"] = {**summary(wind, REGRESSION), "months": wind}
    show(result, as_json=chosen.json)


def beside(months: dict[str, Any], theirs: dict[str, Any]) -> dict[str, Any]:
    """NannyML's mean gap, how far its estimates are from ours at most, and how long it took."""
    apart = {
        name: round(
            max(abs(found[name]["estimated"] - theirs["months"][month][name]) for month, found in months.items()), 4
        )
        for name in CLASSIFIER
    }
    gap = gaps(months, theirs["months"], CLASSIFIER)
    return {"mean_gap": gap, "largest_difference_to_ours": apart, "seconds": theirs["seconds"]}


def compared(found: Scored, names: tuple[str, ...]) -> dict[str, Any]:
    """By month and metric: estimated with its interval, realised, and why the deciding metric changed."""
    yard = Yardstick(found.spec.task, found.spec.metric, found.spec.seed, 50, found.reference)
    told: dict[str, Any] = {}
    for month, rows in found.months.items():
        expected, realised = yard.expected(rows, yard.names), yard.realised(rows, yard.names)
        change = yard.change(rows, realised, expected)
        told[month] = {name: _pair(expected[name], realised[name]) for name in names}
        told[month]["cause"] = None if change is None else change.cause
        told[month]["p"] = None if change is None or change.p is None else float(f"{change.p:.2g}")
    return told


def _pair(expected: Any, realised: Any) -> dict[str, Any]:
    figures = {"estimated": expected.value, "low": expected.low, "high": expected.high, "realised": realised.value}
    within = expected.low <= realised.value <= expected.high
    return {**{name: round(value, 4) for name, value in figures.items()}, "within": within}


def summary(months: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    """Over all months: the mean gap between estimate and realised, and the share of intervals that held."""
    told = {month: {name: found[name]["estimated"] for name in names} for month, found in months.items()}
    within = {name: sum(found[name]["within"] for found in months.values()) for name in names}
    return {"mean_gap": gaps(months, told, names), "within": within, "of": len(months)}


def gaps(months: dict[str, Any], estimated: dict[str, Any], names: tuple[str, ...]) -> dict[str, float]:
    """How far these estimates are from what was realised, in the mean."""
    return {
        name: round(
            float(np.mean([abs(found[name]["realised"] - estimated[month][name]) for month, found in months.items()])),
            4,
        )
        for name in names
    }


def nannyml(found: Scored) -> dict[str, Any]:
    """NannyML's estimates of the same months from the same holdout: {"months", "seconds"}."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "answers.npz"
        parts = {"holdout": found.holdout, **found.months}
        np.savez(path, **{name: rows.records for name, rows in parts.items()})
        command = [str(environment(PINS)), "-m", "tests.bench.drift_peers.nannyml_cbpe", str(path)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    theirs: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return theirs


if __name__ == "__main__":
    sys.exit(main())
