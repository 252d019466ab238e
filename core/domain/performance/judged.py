"""Answered rows beside their truth, where it is known, in the form that performance is measured on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..metrics import Answers, LabelAnswers, NumberAnswers
from .confidence import Expected, calibrate
from .reference import Reference


def kept(classes: int, slices: int) -> np.dtype[Any]:
    """What is kept of a row of a model of so many classes (0 for a regression), sliced by so many columns.

    `truth` is NaN where it is not known; of a classifier it and `label` are indexes of classes, -1 for none of them.
    `leaf` is that of the reference's tree, `slices` are numbers of groups.
    """
    return np.dtype(
        [
            ("time", "<M8[us]"),
            ("truth", "<f8"),
            ("label", "<i4"),
            ("probabilities", "<f4", (classes,)),
            ("prediction", "<f4"),
            ("leaf", "<i4"),
            ("slices", "<i4", (slices,)),
        ]
    )


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """n rows [n] of dtype `kept`. `whole` and `whole_labelled` count the rows that these are a sample of."""

    records: NDArray[Any]
    whole: int
    whole_labelled: int

    def __len__(self) -> int:
        """Number of rows that are here."""
        return len(self.records)

    @property
    def known(self) -> NDArray[np.bool_]:
        """Whether the truth of each row is known."""
        unknown: NDArray[np.bool_] = np.isnan(self.records["truth"])
        return ~unknown

    @property
    def classes(self) -> int:
        """How many classes there are; 0 for a regression."""
        return int(self.records["probabilities"].shape[1])

    def take(self, rows: NDArray[np.bool_]) -> Judged:
        """Only these rows, as if they were all."""
        records = self.records[rows]
        return Judged(records, len(records), int(np.count_nonzero(~np.isnan(records["truth"]))))

    def labelled(self) -> Judged:
        """Only rows whose truth is known."""
        return self if self.known.all() else self.take(self.known)

    def answers(self) -> Answers:
        """As metrics take them; the truth of every row must be known."""
        truth = self.records["truth"]
        if not self.classes:
            return NumberAnswers(truth, self.records["prediction"].astype(np.float64))
        return LabelAnswers(truth.astype(np.intp), self.records["label"].astype(np.intp), self.probabilities)

    @property
    def probabilities(self) -> NDArray[np.float64]:
        """[n, k] of a classifier."""
        return self.records["probabilities"].astype(np.float64)

    def expected(self, reference: Reference) -> Expected:
        """What a classifier is expected to have got right."""
        probabilities = self.probabilities
        labels = self.records["label"].astype(np.intp)
        return Expected(labels, probabilities, calibrate(probabilities, reference.curves))
