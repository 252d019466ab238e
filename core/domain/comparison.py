"""Is one model better than another, beyond noise: both answer the same rows, and the rows are resampled in pairs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .metrics import Answers, estimate, gain_sign, resamples, statistic, value
from .metrics.bootstrap import sample


@dataclass(frozen=True, slots=True)
class Comparison:
    """The candidate's metric minus the champion's on the same rows, with the 95 % interval of the difference.

    The sign is the metric's own: of a loss a negative difference is the better one. `gain`, `gain_low` and
    `gain_high` are turned so that more is better.
    """

    metric: str
    candidate: float
    champion: float
    difference: float
    low: float
    high: float
    rows: int

    @property
    def gain(self) -> float:
        """By how much the candidate is better."""
        return gain_sign(self.metric) * self.difference

    @property
    def gain_low(self) -> float:
        """The least that it may be better by."""
        return min(gain_sign(self.metric) * self.low, gain_sign(self.metric) * self.high)

    @property
    def gain_high(self) -> float:
        """The most that it may be better by."""
        return max(gain_sign(self.metric) * self.low, gain_sign(self.metric) * self.high)


def compare(metric: str, candidate: Answers, champion: Answers, *, seed: int) -> Comparison | None:
    """Compare two models on the rows that both answered; None if the rows do not determine the metric.

    Pairing takes the luck of the rows out of the difference (Efron and Tibshirani 1993, ch. 8).
    """
    values = value(metric, candidate), value(metric, champion)
    if np.isnan(values).any():
        return None
    rows = sample(len(candidate), seed)
    parts = candidate.take(rows), champion.take(rows)
    statistics = [statistic(metric, part) for part in parts]
    differences = [statistics[0](weights) - statistics[1](weights) for weights in resamples(len(rows), seed)]
    on_sample = value(metric, parts[0]) - value(metric, parts[1])
    of = estimate(values[0] - values[1], on_sample, np.concatenate(differences), len(candidate))
    return Comparison(metric, *values, of.value, of.low, of.high, len(candidate))
