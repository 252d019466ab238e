"""Metrics of the order that probabilities put rows in. Equal probabilities are one step of the curve."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from .answers import Floats, LabelAnswers, Statistic
from .classification import one_against_rest


def roc_auc(answers: LabelAnswers) -> Statistic:
    """Probability that a row of the class is ranked above another one (Fawcett 2006, "An introduction to ROC")."""
    return _averaged([_curve(*pair, area=_roc_area) for pair in one_against_rest(answers)])


def average_precision(answers: LabelAnswers) -> Statistic:
    """Precision averaged over the steps of recall, without interpolation (as scikit-learn's)."""
    return _averaged([_curve(*pair, area=_precision_area) for pair in one_against_rest(answers)])


Area = Callable[[Floats, Floats], Floats]
"""Weights of positives and of negatives at each step, highest score first, [b, steps] each -> area [b]."""


def _curve(positive: NDArray[np.bool_], score: Floats, *, area: Area) -> Statistic:
    order = np.argsort(-score, kind="stable")
    starts = np.flatnonzero(np.diff(score[order], prepend=np.inf))
    ranked = positive[order]

    def statistic(weights: Floats) -> Floats:
        sorted_weights = weights[:, order]
        positives = np.add.reduceat(sorted_weights * ranked, starts, axis=1)
        everything = np.add.reduceat(sorted_weights, starts, axis=1)
        return area(positives, everything - positives)

    return statistic


def _roc_area(positives: Floats, negatives: Floats) -> Floats:
    above = np.cumsum(positives, axis=1) - positives / 2
    pairs = positives.sum(axis=1) * negatives.sum(axis=1)
    return _defined(np.sum(negatives * above, axis=1), pairs)


def _precision_area(positives: Floats, negatives: Floats) -> Floats:
    hits = np.cumsum(positives, axis=1)
    answered = hits + np.cumsum(negatives, axis=1)
    precision = np.divide(hits, answered, out=np.zeros_like(hits), where=answered > 0)
    return _defined(np.sum(positives * precision, axis=1), positives.sum(axis=1))


def _defined(part: Floats, whole: Floats) -> Floats:
    return np.divide(part, whole, out=np.full_like(part, np.nan), where=whole > 0)


def _averaged(curves: Sequence[Statistic]) -> Statistic:
    def statistic(weights: Floats) -> Floats:
        areas = np.stack([curve(weights) for curve in curves])
        defined = ~np.isnan(areas)
        return _defined(np.where(defined, areas, 0.0).sum(axis=0), defined.sum(axis=0).astype(np.float64))

    return statistic
