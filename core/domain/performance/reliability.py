"""How often what was answered with a confidence came true, bin by bin: the reliability diagram in numbers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from ..metrics import Estimate, LabelAnswers
from ..metrics.bootstrap import CONFIDENCE
from ..metrics.calibration import bins_of, confidence
from ..metrics.proportions import Share, interval

BINS = 10


@dataclass(frozen=True, slots=True)
class Bin:
    """Rows of like confidence: the share that was expected to come true, and the share that did, with its interval."""

    rows: int
    expected: float
    happened: Estimate


def reliability(answers: LabelAnswers) -> Iterator[Bin]:
    """Ten bins of equal width, without the empty ones, ascending (DeGroot and Fienberg 1983).

    Binary: of the positive class's probability. Multiclass: of the highest probability.
    """
    expected, happened = confidence(answers)
    bins = bins_of(expected, BINS)
    rows = np.bincount(bins, minlength=BINS)
    sums, hits = np.bincount(bins, expected, BINS), np.bincount(bins, happened, BINS)
    z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
    for count, total, hit in zip(rows.tolist(), sums.tolist(), hits.tolist(), strict=True):
        if count:
            yield Bin(count, total / count, interval(Share(int(hit), count), z))
