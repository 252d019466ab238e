"""Rows in the form that models take and give: named numpy columns of equal length."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Columns: TypeAlias = Mapping[str, NDArray[Any]]
"""Feature name -> array [n].

number, integer and boolean features are float32 with NaN for null; category features are object arrays of str
with `schema.NULL_CATEGORY` for null. Models are trained on float32 because that is what is served.
"""


@dataclass(slots=True)  # not frozen: one is made a request, which takes three times as long then
class Outputs:
    """What a model answered for n rows.

    Classifiers: `labels` object array of str [n] and `probabilities` float32 [n, k] in the order of the manifest's
    classes. Regression: `prediction` float32 [n]. The other fields are None.
    """

    labels: NDArray[np.object_] | None = None
    probabilities: NDArray[np.float32] | None = None
    prediction: NDArray[np.float32] | None = None

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.prediction if self.labels is None else self.labels)  # type: ignore[arg-type]

    def take(self, places: NDArray[np.intp]) -> Outputs:
        """Only those of these places [m], in their order."""
        fields = (self.labels, self.probabilities, self.prediction)
        return Outputs(*(None if values is None else values[places] for values in fields))  # type: ignore[arg-type]
