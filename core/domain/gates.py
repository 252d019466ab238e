"""The gates: what a candidate must pass before it serves, each with what was found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .comparison import Comparison
from .metrics import Estimate


@dataclass(frozen=True, slots=True)
class Verdict:
    """One gate's answer. `detail` is a sentence with the figures."""

    gate: str
    passed: bool
    detail: str


def floor_gates(metric: str, found: Estimate, low: float | None, high: float | None) -> list[Verdict]:
    """The declared bounds on the metric's value: `low` it must reach, `high` it must not exceed."""
    verdicts = []
    if low is not None:
        verdicts.append(Verdict("min", found.value >= low, f"{_found(metric, found)}, at least {low:g} is wanted."))
    if high is not None:
        verdicts.append(Verdict("max", found.value <= high, f"{_found(metric, found)}, at most {high:g} is wanted."))
    return verdicts


def regression_gate(comparison: Comparison | None, allowed: float, *, otherwise: str) -> Verdict:
    """Whether the candidate is not worse than the champion by more than `allowed` (in the metric's units) beyond noise.

    It fails only if the whole 95 % interval of the paired difference lies on the worse side of `allowed`: then the
    candidate is worse by more than that in all but 1 of 40 resamplings of the holdout. A difference that the holdout
    is too small to tell from noise does not fail. Without a comparison it passes, and `otherwise` says why there is
    none.
    """
    if comparison is None:
        return Verdict("regression", passed=True, detail=otherwise)
    return Verdict("regression", comparison.gain_high >= -allowed, _compared(comparison, allowed))


def parity_gate(parity: Mapping[str, Any], tolerance: float) -> Verdict:
    """Whether the exported model answered every row as the trained one does."""
    alike = parity["label_mismatches"] == 0 and parity["max_difference"] <= tolerance
    detail = (
        f"over {parity['rows']} rows {parity['label_mismatches']} labels differ between scikit-learn and ONNX, "
        f"and numbers by at most {parity['max_difference']:g} ({tolerance:g} is allowed)."
    )
    return Verdict("parity", alike, detail)


def _found(metric: str, found: Estimate) -> str:
    return f"{metric} is {found.value:.4g} ({found.low:.4g} to {found.high:.4g})"


def _compared(comparison: Comparison, allowed: float) -> str:
    return (
        f"{comparison.metric} is {comparison.candidate:.4g} against {comparison.champion:.4g} of the champion on the "
        f"same {comparison.rows} rows: a difference of {comparison.difference:+.4g} "
        f"({comparison.low:+.4g} to {comparison.high:+.4g}), and {allowed:g} to the worse is allowed beyond noise."
    )
