"""What share of the rows of a score comes true: a monotone curve, fitted to rows whose truth is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..canonical import rounded
from ..metrics.answers import Floats

BINS = 200
"""Distinct scores beyond this many are put into as many bins of equal count, so that the curve stays small."""


@dataclass(frozen=True, slots=True)
class Isotonic:
    """Knots of the curve: ascending `scores`, and the calibrated `shares` there. Between knots it is linear."""

    scores: tuple[float, ...]
    shares: tuple[float, ...]

    def of(self, scores: Floats) -> Floats:
        """The calibrated share of each score [n]; beyond the ends the curve is flat."""
        return np.interp(scores, self.scores, self.shares)

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> Isotonic:
        """From plain JSON values."""
        return cls(tuple(fields["scores"]), tuple(fields["shares"]))


def fit(scores: Floats, happened: Floats) -> Isotonic:
    """The least-squares monotone curve of `happened` (0 or 1) on `scores`, [n] each, n > 0.

    Pool adjacent violators (Ayer et al. 1955; for calibration Zadrozny and Elkan 2002). Up to 200 distinct scores it is
    what scikit-learn's IsotonicRegression(out_of_bounds="clip") is.

    >>> fit(np.array([0.1, 0.4, 0.6, 0.9]), np.array([0.0, 1.0, 0.0, 1.0])).shares
    (0.0, 0.5, 0.5, 1.0)
    """
    at, counts, sums = _binned(scores, happened)
    shares = _pooled(sums / counts, counts)
    kept = _corners(shares)
    return Isotonic(tuple(at[kept].tolist()), tuple(map(rounded, shares[kept])))


def _binned(scores: Floats, happened: Floats) -> tuple[Floats, Floats, Floats]:
    """Mean score, rows, and how many happened, of each distinct score or bin, ascending."""
    at, place = np.unique(scores, return_inverse=True)
    if len(at) > BINS:
        edges = np.quantile(scores, np.linspace(0, 1, BINS + 1)[1:-1])
        _, place = np.unique(np.searchsorted(edges, scores, side="right"), return_inverse=True)
        at = np.array([rounded(mean) for mean in np.bincount(place, scores) / np.bincount(place)])
    counts: Floats = np.bincount(place).astype(np.float64)
    sums: Floats = np.bincount(place, happened).astype(np.float64)
    return at, counts, sums


def _pooled(values: Floats, weights: Floats) -> Floats:
    blocks: list[tuple[float, float, int]] = []
    for value, weight in zip(values.tolist(), weights.tolist(), strict=True):
        block = (value, weight, 1)
        while blocks and blocks[-1][0] >= block[0]:
            mean, heavy, size = blocks.pop()
            whole = heavy + block[1]
            block = ((mean * heavy + block[0] * block[1]) / whole, whole, size + block[2])
        blocks.append(block)
    return np.repeat([value for value, _, _ in blocks], [size for _, _, size in blocks])


def _corners(shares: Floats) -> NDArray[np.bool_]:
    """Which knots matter: both ends of every flat stretch."""
    inner = (shares[1:-1] == shares[:-2]) & (shares[1:-1] == shares[2:])
    return np.concatenate([[True], ~inner, [True]])[: len(shares)]
