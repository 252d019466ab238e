"""The metrics by name, and their evaluation with intervals."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from . import classification, ranking, regression
from .answers import Answers, LabelAnswers, Statistic
from .bootstrap import Estimate, estimate, resamples, sample

_LABELS: dict[str, Callable[[Any], Statistic]] = {
    "accuracy": classification.accuracy,
    "f1": classification.f1,
    "precision": classification.precision,
    "recall": classification.recall,
    "roc_auc": ranking.roc_auc,
    "average_precision": ranking.average_precision,
    "log_loss": classification.log_loss,
    "brier": classification.brier,
}
_NUMBERS: dict[str, Callable[[Any], Statistic]] = {
    "mae": regression.mae,
    "rmse": regression.rmse,
    "r2": regression.r2,
}
NAMES = (*_LABELS, *_NUMBERS)
LOWER_IS_BETTER = frozenset({"log_loss", "brier", "mae", "rmse"})


def gain_sign(metric: str) -> int:
    """1 when a higher value is better, -1 when a lower one is."""
    return -1 if metric in LOWER_IS_BETTER else 1


def statistic(metric: str, answers: Answers) -> Statistic:
    """The metric of these answers, as a function of row weights; raises KeyError if it does not fit the task."""
    return _known(answers)[metric](answers)


def value(metric: str, answers: Answers) -> float:
    """The metric over all rows alike; NaN if they cannot determine it."""
    return float(statistic(metric, answers)(np.ones((1, len(answers))))[0])


def evaluate(answers: Answers, *, seed: int, metrics: Iterable[str] | None = None) -> dict[str, Estimate]:
    """Every metric that the rows determine, or of `metrics` alone, with 95 % intervals. Deterministic by `seed`."""
    names = tuple(_known(answers) if metrics is None else metrics)
    values = {name: value(name, answers) for name in names}
    part = answers.take(sample(len(answers), seed))
    statistics = {name: statistic(name, part) for name in names if not np.isnan(values[name])}
    blocks = [{name: of(weights) for name, of in statistics.items()} for weights in resamples(len(part), seed)]
    return {
        name: estimate(values[name], value(name, part), np.concatenate([block[name] for block in blocks]), len(answers))
        for name in statistics
    }


def _known(answers: Answers) -> dict[str, Callable[[Any], Statistic]]:
    return _LABELS if isinstance(answers, LabelAnswers) else _NUMBERS
