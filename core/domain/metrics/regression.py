"""Metrics of answered numbers."""

from __future__ import annotations

import numpy as np

from .answers import Floats, NumberAnswers, Statistic
from .classification import mean_of


def mae(answers: NumberAnswers) -> Statistic:
    """Mean absolute error, in units of the target."""
    return mean_of(np.abs(answers.truth - answers.prediction))


def rmse(answers: NumberAnswers) -> Statistic:
    """Root of the mean squared error, in units of the target."""
    squares = mean_of((answers.truth - answers.prediction) ** 2)
    return lambda weights: np.sqrt(squares(weights))


def r2(answers: NumberAnswers) -> Statistic:
    """Share of the variance that is explained; NaN when the truth does not vary."""
    error = mean_of((answers.truth - answers.prediction) ** 2)
    centred = answers.truth - answers.truth.mean()
    mean, square = mean_of(centred), mean_of(centred**2)

    def statistic(weights: Floats) -> Floats:
        variance = square(weights) - mean(weights) ** 2
        varies = variance > 0
        return 1 - np.divide(error(weights), variance, out=np.full_like(variance, np.nan), where=varies)

    return statistic
