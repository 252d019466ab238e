"""How far probabilities are from the shares that come true."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .answers import Floats, LabelAnswers, Statistic

BINS = 15
_BINARY = 2


def ece(answers: LabelAnswers) -> Statistic:
    """Expected calibration error over 15 bins of equal width (Guo et al. 2017, section 2).

    Binary: of the positive class's probability against its share. Multiclass: of the highest probability against the
    share of rows whose class it is.
    """
    expected, happened = confidence(answers)
    bins = bins_of(expected, BINS)
    order = np.argsort(bins, kind="stable")
    starts = np.flatnonzero(np.diff(bins[order], prepend=-1))
    gaps = (happened - expected)[order]

    def statistic(weights: Floats) -> Floats:
        by_bin = np.add.reduceat(weights[:, order] * gaps, starts, axis=1)
        errors: Floats = np.abs(by_bin).sum(axis=1) / weights.sum(axis=1)
        return errors

    return statistic


def confidence(answers: LabelAnswers) -> tuple[Floats, Floats]:
    """(the probability that is judged, 1.0 where what it stands for came true), [n] each."""
    probabilities = answers.probabilities
    if probabilities.shape[1] == _BINARY:
        return probabilities[:, 1], (answers.truth == 1).astype(np.float64)
    top = np.argmax(probabilities, axis=1)
    return probabilities[np.arange(len(answers)), top], (answers.truth == top).astype(np.float64)


def bins_of(shares: Floats, bins: int) -> NDArray[np.intp]:
    """The bin of each share [n] of 0 to 1, of `bins` of equal width; 1 is in the last."""
    return np.minimum((shares * bins).astype(np.intp), bins - 1)
