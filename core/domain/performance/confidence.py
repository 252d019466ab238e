"""What the metrics of a classifier must be, before any truth is known: from how sure it was.

Confidence-based performance estimation (CBPE; NannyML's documentation, "How performance estimation works"): a row whose
calibrated probability of class j is p_j counts as p_j rows whose truth is j. From these shares of rows follow the
expected confusion matrix, and every metric by its usual formula. It holds as long as rows of the same score come true
as often as they did on the holdout; `concept` tests that once labels come.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..metrics import Estimate, LabelAnswers, Measure
from ..metrics.answers import Floats
from ..metrics.bootstrap import CONFIDENCE, RESAMPLES, sample
from .isotonic import Isotonic

BINARY = 2
CELLS = 8_000_000
"""The most numbers of expanded probabilities held at once: of more rows a seeded sample is taken."""
DRAWN_CELLS = 16_000
"""The same of the rows whose labels are drawn."""
_AT_ONCE = 50


@dataclass(frozen=True, slots=True, eq=False)
class Expected:
    """n answers without their truth: the answered classes [n], probabilities [n, k] as answered and as calibrated."""

    labels: NDArray[np.intp]
    probabilities: Floats
    calibrated: Floats

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.labels)

    def sample(self, seed: int, cells: int) -> Expected:
        """Seeded rows whose expanded probabilities are at most `cells` numbers; all rows if they fit."""
        rows = sample(len(self), seed, max(1, cells // self.probabilities.shape[1] ** 2))
        return Expected(self.labels[rows], self.probabilities[rows], self.calibrated[rows])

    def expanded(self) -> LabelAnswers:
        """Each row once for each class as its truth, [n * k]; `calibrated.ravel()` are their weights."""
        rows, classes = self.probabilities.shape
        return LabelAnswers(
            truth=np.tile(np.arange(classes), rows),
            labels=np.repeat(self.labels, classes),
            probabilities=np.repeat(self.probabilities, classes, axis=0),
        )


def calibrate(probabilities: Floats, curves: Sequence[Isotonic]) -> Floats:
    """Probabilities [n, k] as they come true.

    `curves` are of the positive class, or of each of more than two; without any, probabilities are taken as they are.
    """
    if not curves:
        return probabilities
    if probabilities.shape[1] == BINARY:
        positive = curves[0].of(probabilities[:, 1])
        return np.stack([1 - positive, positive], axis=1)
    shares = np.stack([curve.of(column) for curve, column in zip(curves, probabilities.T, strict=True)], axis=1)
    whole = shares.sum(axis=1, keepdims=True)
    calibrated: Floats = np.divide(shares, whole, out=probabilities.copy(), where=whole > 0)
    return calibrated


def estimate(
    expected: Expected, measures: Mapping[str, Measure], noise: Mapping[str, Estimate], *, seed: int
) -> dict[str, Estimate]:
    """Each measure that the rows determine, with the 95 % interval of what the truth may say of such rows.

    The interval has the luck of the rows and of their labels (200 seeded draws of both), and the error of the
    calibration, which is as large as that of the measure on the holdout it was fitted to: `noise`, where it is known.
    """
    whole = expected.sample(seed, CELLS)
    answers, weights = whole.expanded(), whole.calibrated.reshape(1, -1)
    values = {name: float(measure(answers)(weights)[0]) for name, measure in measures.items()}
    known = {name: measure for name, measure in measures.items() if not np.isnan(values[name])}
    spreads = _spreads(expected, known, seed)
    return {name: _interval(values[name], spreads[name], noise.get(name)) for name in known}


def _spreads(expected: Expected, measures: Mapping[str, Measure], seed: int) -> dict[str, tuple[float, float]]:
    """How far each measure falls below and above what is expected, of as many rows with labels drawn at random."""
    part = expected.sample(seed, DRAWN_CELLS)
    answers, weights = part.expanded(), part.calibrated.reshape(1, -1)
    statistics = {name: measure(answers) for name, measure in measures.items()}
    blocks = [{name: of(drawn) for name, of in statistics.items()} for drawn in _draws(part.calibrated, seed)]
    shrink = (len(part) / len(expected)) ** 0.5
    ends = [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2]
    found = {}
    for name, of in statistics.items():
        drawn = np.concatenate([block[name] for block in blocks])
        gaps = (drawn[~np.isnan(drawn)] - float(of(weights)[0])) * shrink
        low, high = np.quantile(gaps, ends) if len(gaps) else (0.0, 0.0)
        found[name] = -min(0.0, float(low)), max(0.0, float(high))
    return found


def _draws(calibrated: Floats, seed: int) -> Iterator[Floats]:
    """How often each expanded row is drawn: as many rows with replacement, each with a label by its probabilities."""
    rows, classes = calibrated.shape
    random = np.random.default_rng(seed)
    edges = np.cumsum(calibrated, axis=1)[:, :-1]
    offsets = np.arange(_AT_ONCE)[:, np.newaxis] * rows * classes
    for _ in range(RESAMPLES // _AT_ONCE):
        drawn = random.integers(0, rows, (_AT_ONCE, rows))
        labels = (random.random((_AT_ONCE, rows, 1)) > edges[drawn]).sum(axis=2)
        cells = (drawn * classes + labels + offsets).ravel()
        counts = np.bincount(cells, minlength=_AT_ONCE * rows * classes)
        yield counts.reshape(_AT_ONCE, rows * classes).astype(np.float64)


def _interval(value: float, spread: tuple[float, float], noise: Estimate | None) -> Estimate:
    below, above = (0.0, 0.0) if noise is None else (noise.value - noise.low, noise.high - noise.value)
    return Estimate(value, value - float(np.hypot(spread[0], below)), value + float(np.hypot(spread[1], above)))
