"""What a variant loses on the holdout, against the version that it was made of."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from core.domain.canonical import rounded
from core.domain.columns import Outputs
from core.domain.learning import Rows
from core.domain.metrics import answers, gain_sign, value
from core.errors import BadInput
from core.inference.golden import largest_difference
from core.ports import Predictor

DIGITS = 4


@dataclass(frozen=True, slots=True)
class Budget:
    """What a variant may lose: a share of the deciding metric's value, and how far any answer may be off.

    `max_difference` is of probabilities the absolute difference, of predictions the relative one (see
    `core.inference.golden.largest_difference`).
    """

    quality_loss: float = 0.01
    max_difference: float = 0.1

    def __post_init__(self) -> None:
        """Raises BadInput for what is no limit."""
        for allowed in (self.quality_loss, self.max_difference):
            if not (math.isfinite(allowed) and allowed >= 0):
                raise BadInput(f"a budget of {allowed} cannot be kept to: it must be a number, zero or more.")

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Quality:
    """`value` of the metric on the holdout, `reference` that of the full model, and what is lost of it.

    `loss` is a share of the reference: 0.01 is a hundredth worse, less than 0 is better.
    """

    metric: str
    value: float
    reference: float
    loss: float
    max_difference: float

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values; what is no number, or beyond every number, is null."""
        fields = asdict(self)
        return {
            name: value if isinstance(value, str) or math.isfinite(value) else None for name, value in fields.items()
        }

    def beyond(self, budget: Budget) -> str | None:
        """Why this is more than the budget allows, in a sentence with its figures; None if it is not."""
        if not self.loss <= budget.quality_loss:
            return (
                f"it loses {self.loss:.2%} of {self.metric} ({self.value:.4g} against {self.reference:.4g}), "
                f"more than the {budget.quality_loss:.2%} that its budget allows."
            )
        if not self.max_difference <= budget.max_difference:
            return (
                f"an answer is off by {self.max_difference:.3g}, more than the {budget.max_difference:g} "
                "that its budget allows."
            )
        return None


class Judge:
    """Measures variants of one version on its holdout."""

    def __init__(self, full: Predictor, holdout: Rows, metric: str, classes: tuple[str, ...]) -> None:
        self.holdout = holdout
        self._metric = metric
        self._classes = classes
        self._expected = full.predict(holdout.columns)
        self._reference = self._value(self._expected)

    def judge(self, predictor: Predictor) -> Quality:
        """How good its answers are, and how far they are off those of the full model."""
        given = predictor.predict(self.holdout.columns)
        found = self._value(given)
        return Quality(
            metric=self._metric,
            value=rounded(found),
            reference=rounded(self._reference),
            loss=self._loss(found),
            max_difference=rounded(largest_difference(self._expected, given)),
        )

    def _value(self, outputs: Outputs) -> float:
        return value(self._metric, answers(self.holdout.target, outputs, self._classes))

    def _loss(self, found: float) -> float:
        lost = gain_sign(self._metric) * (self._reference - found)
        if lost == 0:
            return 0.0
        return rounded(lost / abs(self._reference)) if self._reference else float("inf")
