"""Proof that the exported model answers as scikit-learn does: on the holdout, and with nulls and unseen values."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline

from ..domain.columns import Columns, Outputs
from ..domain.schema import Schema
from ..inference.golden import TOLERANCE, largest_difference
from ..ports import Predictor
from .answering import answer
from .disturbing import disturbed

STEP = 1e-6
"""`max_difference` is given in steps of this, rounded up: smaller differences depend on the processor."""

LARGEST = sys.float_info.max
"""What stands for an infinite difference, which JSON cannot hold."""

TIE = 1e-6
"""Classes whose probabilities are nearer than this are tied: float32 cannot tell which is likelier."""


def parity(pipeline: Pipeline, predictor: Predictor, columns: Columns, schema: Schema, seed: int) -> Mapping[str, Any]:
    """Compare both on `columns` and on their `disturbed` copy.

    `rows` counts both. `label_mismatches` counts rows with different labels, except `ties`: rows with different labels
    whose two are within 1e-6 of each other in scikit-learn's probabilities. `max_difference` is of the probabilities,
    or of the predictions relative to their size (see `inference.golden.largest_difference`).
    """
    totals = {"rows": 0, "label_mismatches": 0, "ties": 0}
    largest = 0.0
    for given in (columns, disturbed(columns, schema, seed)):
        ours, theirs = predictor.predict(given), answer(pipeline, given, schema)
        mismatched, tied = mismatches(theirs, ours)
        totals["rows"] += len(theirs)
        totals["label_mismatches"] += mismatched
        totals["ties"] += tied
        largest = max(largest, largest_difference(theirs, ours))
    return {**totals, "max_difference": in_steps(largest), "tolerance": TOLERANCE}


def in_steps(difference: float) -> float:
    """`difference` rounded up to a multiple of STEP.

    >>> in_steps(1.2e-7), in_steps(3.4e-6), in_steps(0.0)
    (1e-06, 4e-06, 0.0)
    """
    return round(math.ceil(difference / STEP) * STEP, 6) if math.isfinite(difference) else LARGEST


def mismatches(expected: Outputs, given: Outputs) -> tuple[int, int]:
    """(rows with another label, rows with another label at a tie)."""
    if expected.labels is None or given.labels is None or expected.probabilities is None:
        return 0, 0
    different = expected.labels != given.labels
    top = np.sort(expected.probabilities[different].astype(np.float64), axis=1)[:, -2:]
    tied = int(np.sum(top[:, 1] - top[:, 0] <= TIE))
    return int(different.sum()) - tied, tied
