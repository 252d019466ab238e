"""Performance and fairness reports to draw pages of, made by what makes them, and alerts."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import numpy as np

from core.domain.alert import Alert
from core.domain.fairness.parity import UNLABELLED, Verdicts, parity
from core.domain.fairness.report import FairnessReport, Section
from core.domain.metrics import Estimate
from core.domain.performance.measuring import KPI, Change
from core.domain.performance.reliability import Bin
from core.domain.performance.report import Figures, PerformanceReport, Window, joined_span, span

METRICS = ("roc_auc", "f1", "log_loss")
START = np.datetime64("2026-01-01")


def around(value: float, spread: float = 0.02) -> Estimate:
    return Estimate(value, value - spread, value + spread)


def figures(value: float, labelled: int, group: tuple[str, str] | None = None) -> Figures:
    names = ("roc_auc",) if group else METRICS
    realised = {name: around(value) for name in (*names, KPI)} if labelled else {}
    return Figures(
        rows=1_000,
        labelled=labelled,
        realised=realised,
        expected={name: around(value + 0.01, 0.03) for name in (*names, KPI)},
        group=group,
        foreseen=around(value + 0.01, 0.03) if labelled else None,
    )


def windows(count: int, word: str, slices: int, *, labelled: int) -> tuple[Window, ...]:
    """Of one day each; the last two have no labels yet."""
    return tuple(
        Window(
            START + number,
            START + number + 1,
            figures(0.72 - 0.08 * number / count, labelled if number < count - 2 else 0),
            tuple(
                figures(0.7 - at / 1000, 0 if at == 1 else 300, (word or "carrier", word or f"group {at}"))
                for at in range(slices)
            ),
        )
        for number in range(count)
    )


def measurement(
    version: str, word: str = "", *, count: int = 12, slices: int = 4, labelled: int = 500, fairness: str | None = None
) -> dict[str, Any]:
    """A performance report as it is stored; ROC AUC falls from 0.72 to 0.64."""
    found = windows(count, word, slices, labelled=labelled)
    change = Change("roc_auc", around(0.72), around(0.7), around(0.64), around(-0.02, 0.01), around(-0.06, 0.03), 1e-4)
    report = PerformanceReport(
        model="m",
        version=version,
        metric="roc_auc",
        fewest=100,
        enough=200,
        reference={name: around(0.72, 0.01) for name in METRICS},
        current=Window(START + count - 4, START + count - 2, figures(0.64, labelled), found[0].slices)
        if labelled
        else None,
        change=change if labelled else None,
        calibration=(Bin(400, 0.2, around(0.21)), Bin(300, 0.7, around(0.5))),
        windows=found,
        kpi={"name": word or "revenue", "unit": word or "EUR"},
        code="c",
        fairness=fairness,
    )
    stored: dict[str, Any] = json.loads(report.encode())
    return stored


@cache
def _parity(groups: int):
    """Group 1 is answered positive more often, the last group is too small."""
    rng = np.random.default_rng(1)
    group = np.concatenate([np.repeat(np.arange(groups - 1), 400), np.full(30, groups - 1)])
    positive = rng.random(len(group)) < np.where(group == 1, 0.7, 0.4)
    truth = np.where(rng.random(len(group)) < 0.1, UNLABELLED, rng.random(len(group)) < 0.5).astype(np.int8)
    return group, parity(Verdicts(group.astype(np.intp), positive, truth), groups, fewest=100)


def sections(word: str = "", *, groups: int = 3, columns: int = 2) -> tuple[Section, ...]:
    """One for each of many columns, all alike."""
    group, found = _parity(groups)
    rows = tuple(np.bincount(group, minlength=groups).tolist())
    return tuple(
        Section(
            positive=word or "yes",
            groups=tuple({f"{word or 'sex'} {at}": f"{word or 'group'} {number}"} for number in range(groups)),
            rows=rows,
            labelled=rows,
            parity=found,
        )
        for at in range(columns)
    )


def fairness(version: str, word: str = "", *, count: int = 12, groups: int = 3, columns: int = 2) -> dict[str, Any]:
    """A fairness report as it is stored."""
    found = sections(word, groups=groups, columns=columns)
    days = tuple((span(START + number, START + number + 1), found) for number in range(count))
    current = (span(*joined_span([START, START + count - 3], "day")), found)
    stored: dict[str, Any] = json.loads(FairnessReport("m", version, 100, current, days, "c").encode())
    return stored


def alert(number: int, state: str = "open", level: str = "warning", word: str = "") -> Alert:
    at = f"2026-01-{number % 28 + 1:02}T06:00:00+00:00"
    return Alert(
        "m", word or "drift", f"{word}{number}", 2, "acknowledged" if state == "acknowledged" else "raised",
        state, level, word or "3 of 12 features drifted", "m/drift/x.json", at, at, at, at,
        by=(word or "Ada") if state == "acknowledged" else None,
    )  # fmt: skip
