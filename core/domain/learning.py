"""What a learner is given, and what it gives back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .columns import Columns, Outputs
from .schema import Schema


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """n rows to learn from or to be judged on. `target` [n] is str for a classifier, float64 for a regression.

    `times` [n] are datetime64[us] in UTC, None where rows have no time.
    """

    columns: Columns
    target: NDArray[Any]
    times: NDArray[np.datetime64] | None = None

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.target)

    def take(self, rows: NDArray[np.intp]) -> Rows:
        """Only these rows, in this order."""
        times = None if self.times is None else self.times[rows]
        return Rows({name: values[rows] for name, values in self.columns.items()}, self.target[rows], times)


@dataclass(frozen=True, slots=True)
class Plan:
    """How to learn: what the spec says of it. `in_order` tells that rows come in the order of time."""

    schema: Schema
    estimator: str
    params: Mapping[str, Any]
    search: Mapping[str, Any] | None
    seed: int
    metric: str
    in_order: bool


@dataclass(frozen=True, slots=True, eq=False)
class Learned:
    """A model that was learned, in the form that is stored.

    `classes` are sorted, empty for a regression. `onnx` is what serves; `estimator` is the fitted scikit-learn pipeline
    in skops format; `golden` are rows as `inference.golden` stores them. `outputs` are scikit-learn's answers on the
    holdout. `parity` has `rows`, `label_mismatches`, `max_difference`, `ties` and `tolerance`. `params` are those that
    were chosen or given. `importance` is what the deciding metric loses when a feature's values are shuffled, empty if
    unknown. `notes` are warnings that a reader of the model card should know.
    """

    classes: tuple[str, ...]
    onnx: bytes
    estimator: bytes
    golden: bytes
    outputs: Outputs
    parity: Mapping[str, Any]
    params: Mapping[str, Any]
    importance: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = field(default=())
