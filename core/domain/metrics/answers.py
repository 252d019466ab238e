"""What was true beside what was answered, in the form that metrics take."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..columns import Outputs

Floats: TypeAlias = NDArray[np.float64]

UNKNOWN = -1
"""Index of a truth that is none of the model's classes."""

Statistic: TypeAlias = Callable[[Floats], Floats]
"""Weights of the rows [b, n] -> the metric under each weighting [b]; NaN where it is not determined."""


@dataclass(frozen=True, slots=True, eq=False)
class LabelAnswers:
    """n classified rows: indexes of the true and the answered classes [n], probabilities [n, k]."""

    truth: NDArray[np.intp]
    labels: NDArray[np.intp]
    probabilities: Floats

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.truth)

    def take(self, rows: NDArray[np.intp]) -> LabelAnswers:
        """Only these rows."""
        return LabelAnswers(self.truth[rows], self.labels[rows], self.probabilities[rows])


@dataclass(frozen=True, slots=True, eq=False)
class NumberAnswers:
    """n rows of a regression: true and answered values [n]."""

    truth: Floats
    prediction: Floats

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.truth)

    def take(self, rows: NDArray[np.intp]) -> NumberAnswers:
        """Only these rows."""
        return NumberAnswers(self.truth[rows], self.prediction[rows])


Answers: TypeAlias = LabelAnswers | NumberAnswers


def answers(truth: NDArray[Any], outputs: Outputs, classes: Sequence[str]) -> Answers:
    """Pair the truth [n] (labels as str, or numbers) with what a model of these `classes` answered."""
    if outputs.prediction is not None:
        return NumberAnswers(truth.astype(np.float64), outputs.prediction.reshape(-1).astype(np.float64))
    assert outputs.labels is not None
    assert outputs.probabilities is not None
    return LabelAnswers(
        indexes(truth, classes), indexes(outputs.labels, classes), outputs.probabilities.astype(np.float64)
    )


def indexes(labels: NDArray[Any], classes: Sequence[str]) -> NDArray[np.intp]:
    """The place of each label in `classes`, or UNKNOWN.

    >>> indexes(np.array(["b", "a", "?"], dtype=object), ["a", "b"]).tolist()
    [1, 0, -1]
    """
    place = {name: index for index, name in enumerate(classes)}
    return np.fromiter((place.get(label, UNKNOWN) for label in labels.tolist()), np.intp, len(labels))
