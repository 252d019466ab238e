"""The errors of a regression as they are expected of rows that lie in known leaves: direct loss estimation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..metrics import Estimate
from ..metrics.answers import Floats
from .loss_tree import Losses

Z = 1.959963984540054
"""Standard deviations to either end of a 95 % interval."""


def estimate(
    leaves: NDArray[np.intp], tree: Sequence[Losses], costs: tuple[float, float] | None = None
) -> dict[str, Estimate]:
    """`mae` and `rmse` of rows in these leaves [n], n > 0, and `kpi` by the `costs` of a unit too much and too little.

    The 95 % intervals have the luck of the rows and of their truths, and the error of each leaf's mean. `r2` is not
    estimated: it needs the variance of the truth, which nothing here tells.
    """
    counts = np.bincount(leaves, minlength=len(tree)).astype(np.float64)
    over, under, square, fourth = (_of(tree, name) for name in ("over", "under", "square", "fourth"))
    rows = _of(tree, "rows")
    found = {"mae": _mean(counts, over + under, square, rows)}
    squares = _mean(counts, square, fourth, rows)
    found["rmse"] = Estimate(*(float(np.sqrt(max(0.0, end))) for end in (squares.value, squares.low, squares.high)))
    if costs is not None:
        dear = max(abs(costs[0]), abs(costs[1]))
        found["kpi"] = _mean(counts, costs[0] * over + costs[1] * under, dear**2 * square, rows)
    return found


def _of(tree: Sequence[Losses], name: str) -> Floats:
    return np.array([getattr(leaf, name) for leaf in tree], np.float64)


def _mean(counts: Floats, means: Floats, squares: Floats, rows: Floats) -> Estimate:
    """The mean over the window of what has these means and mean squares in the leaves."""
    total = counts.sum()
    value = float(counts @ means / total)
    luck = float(counts @ squares / total - value**2) / total
    doubt = float(np.sum((counts / total) ** 2 * np.maximum(squares - means**2, 0.0) / rows))
    half = Z * float(np.sqrt(max(luck, 0.0) + doubt))
    return Estimate(value, value - half, value + half)
