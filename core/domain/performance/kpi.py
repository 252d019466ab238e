"""What answers are worth to the business: a value of each outcome, as the spec gives it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from ..metrics.answers import Answers, Floats, LabelAnswers, NumberAnswers, Statistic
from ..metrics.classification import mean_of
from ..schema import Task

CONFUSIONS: tuple[str, ...] = ("true_negative", "false_positive", "false_negative", "true_positive")
OUTCOMES: Mapping[Task, tuple[str, ...]] = {
    "binary": CONFUSIONS,
    "multiclass": (),
    "regression": ("over", "under"),
}
"""What a value can be given to, of each task; of multiclass to (true class, answered class)."""

Values: TypeAlias = Mapping[str, float | Mapping[str, float]]


@dataclass(frozen=True, slots=True, eq=False)
class Worth:
    """The value of each outcome; one that is not named is worth 0.

    `table` [k + 1, k] is by true and answered class, the last row of a truth that the model does not know; `over` and
    `under` are of a unit that a prediction is above or below the truth.
    """

    table: Floats
    over: float = 0.0
    under: float = 0.0

    @classmethod
    def of(cls, values: Values, classes: Sequence[str]) -> Worth:
        """From the spec's values, of a model of these `classes`; none for a regression."""
        if not classes:
            over, under = (_number(values.get(name, 0.0)) for name in OUTCOMES["regression"])
            return cls(np.zeros((1, 0)), over, under)
        table = np.zeros((len(classes) + 1, len(classes)))
        if any(isinstance(row, Mapping) for row in values.values()):
            _fill(table, values, classes)
        else:
            table[:2] = np.reshape([_number(values.get(name, 0.0)) for name in CONFUSIONS], (2, 2))
        return cls(table)

    def measure(self, answers: Answers) -> Statistic:
        """The mean value of a row, as a function of row weights."""
        return mean_of(self.rows(answers))

    def rows(self, answers: Answers) -> Floats:
        """The value of each row [n]."""
        if isinstance(answers, LabelAnswers):
            return self.table[answers.truth, answers.labels]
        return self._of_numbers(answers)

    def _of_numbers(self, answers: NumberAnswers) -> Floats:
        error = answers.prediction - answers.truth
        return self.over * np.maximum(error, 0) + self.under * np.maximum(-error, 0)


def _fill(table: Floats, values: Values, classes: Sequence[str]) -> None:
    """Classes that the model does not know are passed over."""
    place = {name: index for index, name in enumerate(classes)}
    for truth, row in values.items():
        if truth in place and isinstance(row, Mapping):
            for answered in row.keys() & place.keys():
                table[place[truth], place[answered]] = row[answered]


def _number(value: float | Mapping[str, float]) -> float:
    return 0.0 if isinstance(value, Mapping) else value
