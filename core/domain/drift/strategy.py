"""What is asked of a check: which tests a column takes, and how large a change must be to count."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, TypeAlias

from ..seasons import Cycle
from ..sketch import CategoryCounts, Summary
from .wasserstein import Scale

Test: TypeAlias = Literal["ks", "wasserstein", "psi", "js", "chi2", "g", "nulls", "unseen"]

LEAST: Mapping[Test, float] = MappingProxyType(
    {
        "ks": 0.08,
        "wasserstein": 0.2,
        "psi": 0.1,
        "js": 0.1,
        "chi2": 0.08,
        "g": 0.08,
        "nulls": 0.08,
        "unseen": 0.08,
    }
)
"""The least effect that counts. Shares of rows (ks, chi2, g, nulls, unseen), standard deviations (wasserstein), or the
index itself (psi, js): a number moved by 0.2 standard deviations."""
OF_NUMBERS: tuple[Test, ...] = ("ks", "wasserstein", "psi", "js")
OF_CATEGORIES: tuple[Test, ...] = ("chi2", "g", "psi", "js")
LEAST_IMPORTANCE = 0.05
"""Features that drifted and carry together less of the model's importance than this are told, and are no alarm."""
FALSE_ALARMS = 0.001
"""A q below this is no accident: of a thousand checks of unchanged data one may find something."""


@dataclass(frozen=True, slots=True)
class Strategy:
    """`least` has each test that a column takes with the least effect that counts; `scale` is Wasserstein's unit."""

    least: Mapping[Test, float] = field(hash=False)
    scale: Scale = "sd"


@dataclass(frozen=True, slots=True)
class Kinds:
    """A strategy for each kind of column."""

    numbers: Strategy
    categories: Strategy

    def of(self, reference: Summary) -> Strategy:
        """The one for a column that is summarised like this."""
        return self.categories if isinstance(reference, CategoryCounts) else self.numbers


def kinds(tests: Sequence[Test], effect: float = 1.0, *, nulls: float, unseen: float, scale: Scale = "sd") -> Kinds:
    """These tests for the columns that they are of, with `effect` times their usual least effects."""
    rows: dict[Test, float] = {"nulls": nulls, "unseen": unseen}
    least: dict[Test, float] = {test: effect * LEAST[test] for test in tests}
    return Kinds(
        Strategy({**{test: size for test, size in least.items() if test in OF_NUMBERS}, "nulls": nulls}, scale),
        Strategy({**{test: size for test, size in least.items() if test in OF_CATEGORIES}, **rows}),
    )


USUAL_TESTS: tuple[Test, ...] = ("ks", "wasserstein", "chi2", "psi", "js")
USUAL = kinds(USUAL_TESTS, nulls=LEAST["nulls"], unseen=LEAST["unseen"])


@dataclass(frozen=True, slots=True)
class Rules:
    """What a check is judged by.

    A feature takes its own strategy of `columns`, else that of `features`; an output that of `outputs`. `joint` is the
    least effect of the reconstruction error, None for no such test. `season` is the cycle that the reference is
    adjusted to, where it knows it.
    """

    min_rows: int = 500
    false_alarms: float = FALSE_ALARMS
    features: Kinds = USUAL
    outputs: Kinds = USUAL
    columns: Mapping[str, Kinds] = field(default_factory=dict, hash=False)
    joint: float | None = LEAST["ks"]
    importance: float = LEAST_IMPORTANCE
    season: Cycle | None = "week"
