"""Rows as the world may send them: with nulls where none were, and with categories that training never saw."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..domain.columns import Columns
from ..domain.schema import NULL_CATEGORY, Schema

UNSEEN = ("", "unseen", "nan", "None", " ü€😀")
SHARE = 0.2


def disturbed(columns: Columns, schema: Schema, seed: int) -> Columns:
    """A copy with a fifth of each feature's values null, and a fifth of each category's never seen in training."""
    random = np.random.default_rng(seed)
    changed: dict[str, NDArray[Any]] = {}
    for feature in schema.features:
        values = columns[feature.name].copy()
        draw = random.random(len(values))
        values[draw < SHARE] = NULL_CATEGORY if feature.type == "category" else np.nan
        if feature.type == "category":
            unseen = (draw >= SHARE) & (draw < 2 * SHARE)
            values[unseen] = random.choice(np.array(UNSEEN, dtype=object), int(unseen.sum()))
        changed[feature.name] = values
    return changed
