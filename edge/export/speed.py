"""How long a variant takes to answer one row, beside the others: in turns, so that a busy machine slows all alike."""

from __future__ import annotations

import time
from collections.abc import Mapping

import numpy as np

from core.domain.columns import Columns
from core.ports import Predictor

ROUNDS = 20
CALLS = 10


def latencies(predictors: Mapping[str, Predictor], columns: Columns) -> dict[str, float]:
    """Name -> the median of 200 answers to a single row, in microseconds."""
    rows = [{name: values[row : row + 1] for name, values in columns.items()} for row in _rows(columns)]
    taken: dict[str, list[float]] = {name: [] for name in predictors}
    for _ in range(ROUNDS):
        for name, predictor in predictors.items():
            taken[name] += [_taken(predictor, row) for row in rows]
    return {name: round(float(np.median(each)) * 1e6, 1) for name, each in taken.items()}


def _rows(columns: Columns) -> range:
    return range(min(CALLS, len(next(iter(columns.values())))))


def _taken(predictor: Predictor, row: Columns) -> float:
    began = time.perf_counter()
    predictor.predict(row)
    return time.perf_counter() - began
