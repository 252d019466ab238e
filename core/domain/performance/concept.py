"""Why a metric changed: other rows came (data drift), or rows of the same kind come true otherwise (concept drift).

What was estimated of the labelled rows assumes that rows of the same kind come true as on the holdout, so the change of
the metric has two parts: from the reference to the estimate it is due to which rows came, from the estimate to what was
realised it is due to how they came true (the split of Cai, Namkoong and Yadlowsky 2023, "Diagnosing Model Performance
Under Distribution Shift", with the score in the place of the covariates).

Whether rows come true otherwise at all is tested within strata of rows of the same kind: bins of the score for
classifiers, leaves of the loss tree for regressions. In each the sum of what happened less what was expected has a
known variance, that of the truths and that of the expectation, which was itself measured on the stratum's holdout rows;
the squares add up to a chi-squared statistic (Hosmer and Lemeshow 1980, with the second variance added). Which rows
came does not matter to it, since it looks at each stratum by itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..metrics.answers import Floats, LabelAnswers, NumberAnswers
from .isotonic import Isotonic
from .loss_tree import Losses

BINS = 10
FEWEST = 10
"""Rows that a stratum needs, of the holdout and of the window, to be looked at."""
ALPHA = 0.01


@dataclass(frozen=True, slots=True)
class Strata:
    """Bins of a score: inner `edges`, ascending, and how many holdout `rows` are in each of the bins between them."""

    edges: tuple[float, ...]
    rows: tuple[int, ...]

    @classmethod
    def of(cls, scores: Floats) -> Strata:
        """Ten bins of about equal count; fewer where scores are equal."""
        edges = np.unique(np.quantile(scores, np.linspace(0, 1, BINS + 1)[1:-1]))
        bins = np.searchsorted(edges, scores, side="right")
        return cls(tuple(edges.tolist()), tuple(np.bincount(bins, minlength=len(edges) + 1).tolist()))

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> Strata:
        """From plain JSON values."""
        return cls(tuple(fields["edges"]), tuple(fields["rows"]))


def of_labels(answers: LabelAnswers, curves: Sequence[Isotonic], strata: Sequence[Strata]) -> float | None:
    """The p-value of "every class comes true as often as before at the same score"; None without rows enough.

    `curves` and `strata` are of the positive class, or of each of more than two, of which the smallest p counts, times
    their number (Bonferroni).
    """
    classes = range(1, 2) if len(strata) == 1 else range(len(strata))
    found = []
    for curve, stratum, index in zip(curves, strata, classes, strict=True):
        score = answers.probabilities[:, index]
        share = curve.of(score)
        happened = (answers.truth == index).astype(np.float64)
        bins = np.searchsorted(stratum.edges, score, side="right")
        found.append(_p(bins, happened - share, share * (1 - share), np.array(stratum.rows)))
    return _smallest(found)


def of_numbers(answers: NumberAnswers, leaves: NDArray[np.intp], tree: Sequence[Losses]) -> float | None:
    """The p-value of "errors are as large, and lean as far to one side, as before in the same leaf"; None without rows.

    Both are tested, and the smaller p counts, times two (Bonferroni).
    """
    error = answers.prediction - answers.truth
    over, under, square, rows = (
        np.array([getattr(leaf, name) for leaf in tree], np.float64) for name in ("over", "under", "square", "rows")
    )
    lean, size = over - under, over + under
    return _smallest(
        [
            _p(leaves, error - lean[leaves], (square - lean**2)[leaves], rows),
            _p(leaves, np.abs(error) - size[leaves], (square - size**2)[leaves], rows),
        ]
    )


def _p(strata: NDArray[np.intp], surplus: Floats, variance: Floats, reference: NDArray[Any]) -> float | None:
    from scipy.stats import chi2  # noqa: PLC0415 - scipy where a distribution is needed

    rows = np.bincount(strata, minlength=len(reference))
    spread = np.bincount(strata, variance, len(reference))
    used = (rows >= FEWEST) & (reference >= FEWEST) & (spread > 0)
    if not used.any():
        return None
    sums = np.bincount(strata, surplus, len(reference))[used]
    squares = sums**2 / (spread[used] * (1 + rows[used] / reference[used]))
    return float(chi2.sf(squares.sum(), used.sum()))


def _smallest(found: Sequence[float | None]) -> float | None:
    known = [p for p in found if p is not None]
    return min(1.0, len(known) * min(known)) if known else None
