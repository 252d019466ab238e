"""Correction for asking many questions at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """For each p its q: the smallest false discovery rate at which it would count as a finding.

    Benjamini and Hochberg (1995), "Controlling the false discovery rate". When nothing has changed at all, the
    chance that any q is below alpha is alpha at most, for independent and for positively dependent tests.

    >>> benjamini_hochberg([0.01, 0.5, 0.02])
    [0.03, 0.5, 0.03]
    """
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p, kind="stable")[::-1]
    scaled = p[order] * len(p) / np.arange(len(p), 0, -1)
    q = np.empty_like(p)
    q[order] = np.minimum.accumulate(scaled)
    return [float(value) for value in q]
