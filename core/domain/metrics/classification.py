"""Metrics of labels and of probabilities. Sources: the scikit-learn user guide, "Metrics and scoring"."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from .answers import Floats, LabelAnswers, Statistic

TINIEST = float(np.finfo(np.float64).eps)
"""A probability below this counts as this in log_loss, as in scikit-learn."""

BINARY = 2

_Rate: TypeAlias = Callable[[Floats, Floats, Floats], Floats]
"""Weights of hits, of the truth and of the answers, each [b, k] -> [b, k]."""


def mean_of(rows: Floats) -> Statistic:
    """The weighted mean of a value a row [n]."""

    def statistic(weights: Floats) -> Floats:
        means: Floats = (weights @ rows) / weights.sum(axis=1)
        return means

    return statistic


def accuracy(answers: LabelAnswers) -> Statistic:
    """Share of rows whose label is right."""
    return mean_of((answers.truth == answers.labels).astype(np.float64))


def precision(answers: LabelAnswers) -> Statistic:
    """Of the rows answered as a class, the share that is of it; 0 for a class never answered."""
    return _averaged(answers, lambda hits, _true, answered: _ratio(hits, answered))


def recall(answers: LabelAnswers) -> Statistic:
    """Of the rows of a class, the share answered as it; 0 for a class without rows."""
    return _averaged(answers, lambda hits, true, _answered: _ratio(hits, true))


def f1(answers: LabelAnswers) -> Statistic:
    """Harmonic mean of precision and recall."""
    return _averaged(answers, lambda hits, true, answered: _ratio(2 * hits, true + answered))


def log_loss(answers: LabelAnswers) -> Statistic:
    """Mean of -ln(probability given to the true class)."""
    return mean_of(-np.log(np.clip(_of_truth(answers), TINIEST, 1.0)))


def brier(answers: LabelAnswers) -> Statistic:
    """Mean squared distance of the probabilities from the truth: of the positive class when there are two classes."""
    wanted = answers.truth[:, np.newaxis] == np.arange(answers.probabilities.shape[1])
    squares = (answers.probabilities - wanted) ** 2
    return mean_of(squares[:, -1] if squares.shape[1] == BINARY else squares.sum(axis=1))


def _of_truth(answers: LabelAnswers) -> Floats:
    known = answers.truth >= 0
    given = answers.probabilities[np.arange(len(answers)), np.where(known, answers.truth, 0)]
    return np.where(known, given, 0.0)


def _averaged(answers: LabelAnswers, rate: _Rate) -> Statistic:
    """`rate` of the positive class, or averaged over the classes that occur."""
    classes = answers.probabilities.shape[1]
    counted = np.array([classes - 1]) if classes == BINARY else np.arange(classes)
    true = (answers.truth[:, np.newaxis] == counted).astype(np.float64)
    answered = (answers.labels[:, np.newaxis] == counted).astype(np.float64)

    def statistic(weights: Floats) -> Floats:
        of_truth, of_answers = weights @ true, weights @ answered
        rates = rate(weights @ (true * answered), of_truth, of_answers)
        occurs = (of_truth + of_answers > 0) | (classes == BINARY)
        means: Floats = np.sum(rates * occurs, axis=1) / np.sum(occurs, axis=1)
        return means

    return statistic


def _ratio(part: Floats, whole: Floats) -> Floats:
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)


def one_against_rest(answers: LabelAnswers) -> list[tuple[NDArray[np.bool_], Floats]]:
    """(is it of the class, its probability), [n] each: for the positive class, or for every class."""
    classes = answers.probabilities.shape[1]
    counted = range(classes - 1, classes) if classes == BINARY else range(classes)
    return [(answers.truth == index, answers.probabilities[:, index]) for index in counted]
