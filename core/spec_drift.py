"""The `drift` section of a spec: when and how predictions are compared with what the model learned from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from .domain.drift.strategy import (
    FALSE_ALARMS,
    LEAST,
    LEAST_IMPORTANCE,
    OF_CATEGORIES,
    OF_NUMBERS,
    USUAL_TESTS,
    Kinds,
    Rules,
    Strategy,
    kinds,
)
from .domain.drift.wasserstein import Scale
from .domain.schema import FeatureType
from .spec_base import Interval, Name, Strict

Share = Annotated[float, Field(gt=0, le=1)]
Size = Annotated[float, Field(gt=0)]


class _Tested(Strict):
    """`nulls` and `unseen` are the least differences of shares that count."""

    nulls: Share = LEAST["nulls"]
    unseen: Share = LEAST["unseen"]


class Usual(_Tested):
    """Every usual test for the kind of column; `effect` is a share of rows, the others' least effects in proportion."""

    test: Literal["usual"] = "usual"
    effect: Share = LEAST["ks"]

    def kinds(self) -> Kinds:
        """As the domain has it."""
        return kinds(USUAL_TESTS, self.effect / LEAST["ks"], nulls=self.nulls, unseen=self.unseen)


class _One(_Tested):
    """One test. Columns of a kind that it is not of take the usual ones."""

    test: Literal["ks", "wasserstein", "psi", "js", "chi2", "g"]
    effect: float

    def kinds(self) -> Kinds:
        """As the domain has it."""
        scale: Scale = getattr(self, "scale", "sd")
        size = self.effect / LEAST[self.test]
        usual = kinds(USUAL_TESTS, nulls=self.nulls, unseen=self.unseen)
        one = kinds((self.test,), size, nulls=self.nulls, unseen=self.unseen, scale=scale)
        return Kinds(
            one.numbers if self.test in OF_NUMBERS else usual.numbers,
            one.categories if self.test in OF_CATEGORIES else usual.categories,
        )


class KolmogorovSmirnov(_One):
    """The largest difference between the shares of rows up to any value."""

    test: Literal["ks"]
    effect: Share = LEAST["ks"]


class Wasserstein(_One):
    """How far values moved on average, in the reference's standard deviations, or in what its quartiles say of them."""

    test: Literal["wasserstein"]
    effect: Size = LEAST["wasserstein"]
    scale: Scale = "sd"


class PopulationStability(_One):
    """The population stability index over the reference's deciles or the categories."""

    test: Literal["psi"]
    effect: Size = LEAST["psi"]


class JensenShannon(_One):
    """The Jensen-Shannon distance over the reference's deciles or the categories, base 2."""

    test: Literal["js"]
    effect: Share = LEAST["js"]


class ChiSquared(_One):
    """Pearson's test; the effect is the share of rows in another category."""

    test: Literal["chi2"]
    effect: Share = LEAST["chi2"]


class LikelihoodRatio(_One):
    """The G test; the effect is the share of rows in another category."""

    test: Literal["g"]
    effect: Share = LEAST["g"]


class Untested(Strict):
    """The column is shown, and never found to have drifted."""

    test: Literal["none"]

    def kinds(self) -> Kinds:
        """As the domain has it."""
        return Kinds(Strategy({}), Strategy({}))


ColumnTest: TypeAlias = Annotated[
    Usual
    | KolmogorovSmirnov
    | Wasserstein
    | PopulationStability
    | JensenShannon
    | ChiSquared
    | LikelihoodRatio
    | Untested,
    Field(discriminator="test"),
]


class Reconstruction(Strict):
    """How badly rows are reconstructed from what usually goes together; the effect is a share of rows."""

    test: Literal["reconstruction"] = "reconstruction"
    effect: Share = LEAST["ks"]


class Unjoined(Strict):
    """Features are looked at one by one alone."""

    test: Literal["none"]


class Drift(Strict):
    """When and how predictions are compared with what the model learned from. Season None is a week."""

    every: Interval = timedelta(hours=1)
    min_rows: int = Field(default=500, ge=1)
    false_alarms: float = Field(default=FALSE_ALARMS, gt=0, le=0.1)
    default: ColumnTest = Usual()
    features: dict[Name, ColumnTest] = Field(default_factory=dict)
    predictions: ColumnTest = Usual()
    multivariate: Annotated[Reconstruction | Unjoined, Field(discriminator="test")] = Reconstruction()
    importance: float = Field(default=LEAST_IMPORTANCE, ge=0, le=1)
    season: Literal["none", "day", "week", "year"] | None = None

    def rules(self) -> Rules:
        """As the domain has it."""
        return Rules(
            min_rows=self.min_rows,
            false_alarms=self.false_alarms,
            features=self.default.kinds(),
            outputs=self.predictions.kinds(),
            columns={name: test.kinds() for name, test in self.features.items()},
            joint=self.multivariate.effect if isinstance(self.multivariate, Reconstruction) else None,
            importance=self.importance,
            season=None if self.season == "none" else self.season or "week",
        )


Place: TypeAlias = tuple[str | int, ...]


def drift_problems(drift: Drift, types: Mapping[str, FeatureType], *, timed: bool) -> Iterator[tuple[Place, str]]:
    """What does not fit the model's features, of `types`, or its having no time: where, and what and how to mend it."""
    for name, test in drift.features.items():
        where: Place = ("drift", "features", name)
        if name not in types:
            yield where, f"{name!r} is no feature; name one of {', '.join(types)}"
        elif isinstance(test, _One):
            fitting = OF_CATEGORIES if types[name] in {"category", "boolean"} else OF_NUMBERS
            if test.test not in fitting:
                mend = f"use one of {', '.join(fitting)}"
                yield (*where, "test"), f"is {test.test}, and {name} is of type {types[name]}; {mend}"
    if drift.season not in {None, "none"} and not timed:
        yield ("drift", "season"), "needs a time column; declare `time:` or remove it"
