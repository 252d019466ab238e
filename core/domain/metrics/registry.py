"""The metrics by name, and their evaluation with intervals."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

import numpy as np

from . import calibration, classification, ranking, regression
from .answers import Answers, LabelAnswers, Statistic
from .bootstrap import ROWS, Estimate, estimate, resamples, sample

Measure: TypeAlias = Callable[[Any], Statistic]
"""A metric, or anything else that is measured on the answers of one task."""

_LABELS: dict[str, Measure] = {
    "accuracy": classification.accuracy,
    "f1": classification.f1,
    "precision": classification.precision,
    "recall": classification.recall,
    "roc_auc": ranking.roc_auc,
    "average_precision": ranking.average_precision,
    "log_loss": classification.log_loss,
    "brier": classification.brier,
    "ece": calibration.ece,
}
_NUMBERS: dict[str, Measure] = {
    "mae": regression.mae,
    "rmse": regression.rmse,
    "r2": regression.r2,
}
NAMES = (*_LABELS, *_NUMBERS)
LOWER_IS_BETTER = frozenset({"log_loss", "brier", "ece", "mae", "rmse"})


def gain_sign(metric: str) -> int:
    """1 when a higher value is better, -1 when a lower one is."""
    return -1 if metric in LOWER_IS_BETTER else 1


def statistic(metric: str, answers: Answers) -> Statistic:
    """The metric of these answers, as a function of row weights; raises KeyError if it does not fit the task."""
    return _known(answers)[metric](answers)


def value(metric: str, answers: Answers) -> float:
    """The metric over all rows alike; NaN if they cannot determine it."""
    return float(statistic(metric, answers)(np.ones((1, len(answers))))[0])


def evaluate(
    answers: Answers, *, seed: int, metrics: Iterable[str] | None = None, most: int = ROWS
) -> dict[str, Estimate]:
    """Every metric that the rows determine, or of `metrics` alone, with 95 % intervals. Deterministic by `seed`.

    At most `most` rows are resampled: the intervals of many windows need not cost as much as that of one holdout.
    """
    known = _known(answers)
    names = tuple(known if metrics is None else metrics)
    return measure(answers, {name: known[name] for name in names}, seed=seed, most=most)


def measure(answers: Answers, measures: Mapping[str, Measure], *, seed: int, most: int = ROWS) -> dict[str, Estimate]:
    """Every measure that the rows determine, as `evaluate` does its metrics."""
    whole = np.ones((1, len(answers)))
    values = {name: float(of(answers)(whole)[0]) for name, of in measures.items()}
    part = answers.take(sample(len(answers), seed, most))
    statistics = {name: of(part) for name, of in measures.items() if not np.isnan(values[name])}
    blocks = [{name: of(weights) for name, of in statistics.items()} for weights in resamples(len(part), seed)]
    ones = np.ones((1, len(part)))
    return {
        name: estimate(
            values[name], float(of(ones)[0]), np.concatenate([block[name] for block in blocks]), len(answers), most
        )
        for name, of in statistics.items()
    }


def _known(answers: Answers) -> dict[str, Measure]:
    return _LABELS if isinstance(answers, LabelAnswers) else _NUMBERS
