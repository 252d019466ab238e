"""Choose the golden rows of a model: some of the holdout, as they are and disturbed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from ..domain.columns import Columns
from ..domain.schema import Schema
from ..inference.golden import Golden
from .answering import answer
from .disturbing import disturbed

ROWS = 16
"""How many of each kind."""


def golden_rows(pipeline: Pipeline, columns: Columns, schema: Schema, seed: int) -> Golden:
    """Up to 16 rows of `columns` and 16 of their disturbed copy, evenly spaced, with scikit-learn's answers."""
    chosen = _evenly(len(next(iter(columns.values()))))
    both = columns, disturbed(columns, schema, seed)
    rows = {name: np.concatenate([each[name][chosen] for each in both]) for name in schema.feature_names}
    return Golden(rows, answer(pipeline, rows, schema))


def _evenly(rows: int) -> NDArray[np.intp]:
    return np.unique(np.linspace(0, rows - 1, ROWS).astype(np.intp))
