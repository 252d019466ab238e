"""What each feature is worth to a model: how much worse it answers when that feature's values are shuffled.

Permutation importance (Breiman 2001, "Random Forests", section 10), of the exported model on the holdout. Features that
can stand in for each other share their importance, and may each seem to have little.
"""

from __future__ import annotations

import math

import numpy as np

from ..domain.joint import evenly
from ..domain.learning import Plan, Rows
from ..domain.metrics import answers, gain_sign, value
from ..ports import Predictor

ROWS = 1_000
REPEATS = 2
DIGITS = 4
"""Significant digits that are kept."""


def importance(predictor: Predictor, plan: Plan, holdout: Rows, classes: tuple[str, ...]) -> dict[str, float]:
    """Feature -> what the deciding metric loses, the mean of two shuffles of up to 1,000 rows, evenly spaced.

    Empty if these rows do not determine the metric. Deterministic by the plan's seed.
    """
    rows = holdout.take(evenly(len(holdout), ROWS))
    whole = _value(predictor, plan, rows, classes)
    if math.isnan(whole):
        return {}
    random = np.random.default_rng(plan.seed)
    orders = [random.permutation(len(rows)) for _ in range(REPEATS)]
    lost: dict[str, float] = {}
    for name, values in rows.columns.items():
        shuffled = (Rows({**rows.columns, name: values[order]}, rows.target) for order in orders)
        left = sum(_value(predictor, plan, each, classes) for each in shuffled) / REPEATS
        lost[name] = float(f"{gain_sign(plan.metric) * (whole - left):.{DIGITS}g}")
    return lost


def _value(predictor: Predictor, plan: Plan, rows: Rows, classes: tuple[str, ...]) -> float:
    return value(plan.metric, answers(rows.target, predictor.predict(rows.columns), classes))
