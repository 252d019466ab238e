"""What one test of one column says."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TestResult:
    """`p` is how often chance alone would give such a `statistic`; `effect` is how large the change is.

    Effects are shares of rows from 0 to 1, the same unit for every test but PSI, whose effect is in its own unit.
    """

    __test__ = False  # not a test case for pytest

    statistic: float
    p: float
    effect: float
