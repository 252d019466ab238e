"""Profiles of older formats in the words of the newest one.

Format 1 had lists of digits for arrays, no means and deviations, and nothing but distributions and performance.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .sketch.packing import pack

_UNKNOWN = ("target", "correlations", "joint", "seasons", "output_seasons")


def upgraded(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields of a profile as the newest format has them; raises KeyError, TypeError or ValueError if it is none."""
    if fields["format"] > 1:
        return fields
    parts = {part: [_summary(item) for item in fields[part]] for part in ("features", "outputs")}
    return {**fields, **parts, **dict.fromkeys(_UNKNOWN), "importance": {}}


def _summary(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {**(_number(fields) if "edges" in fields else fields), "error": 0}


def _number(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The mean of what lies between two edges is taken to be half way."""
    edges = np.array(fields["edges"], dtype=np.float32)
    gaps, ties = (np.array(fields[name], dtype=np.int64) for name in ("gaps", "ties"))
    means = (edges + np.concatenate((edges[:1], edges[:-1]))) / 2
    values, weights = np.concatenate((edges, means)).astype(np.float64), np.concatenate((ties, gaps))
    rows = max(int(weights.sum()), 1)
    mean = float(values @ weights) / rows
    deviation = float(np.sqrt((values - mean) ** 2 @ weights / rows))
    arrays = {"edges": pack(edges), "gaps": pack(gaps), "ties": pack(ties), "means": pack(means)}
    return {**fields, **arrays, "mean": mean, "deviation": deviation}
