"""`search:` of a spec: parameters drawn at random from a space, judged by cross-validation on the training rows alone.

search:
space:
learning_rate: {low: 0.01, high: 0.3, log: true}    # whole numbers where low and high are
max_leaf_nodes: [15, 31, 63]
budget: 20
cv: 3
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.model_selection import (
    KFold,
    ParameterGrid,
    RandomizedSearchCV,
    StratifiedKFold,
    TimeSeriesSplit,
)
from sklearn.pipeline import Pipeline

from ..domain.columns import Outputs
from ..domain.learning import Plan
from ..domain.metrics import answers, gain_sign, value
from ..errors import BadInput, BadSpec
from .estimators import check_params

STEP = "model__"
"""How the search calls the parameters of the pipeline's estimator."""

BUDGET = 20
FOLDS = 3
_KEYS = {"space", "budget", "cv"}
_RANGE_KEYS = {"low", "high", "log"}


class Range:
    """Draws between `low` and `high`, both included where whole; evenly, or evenly in the logarithm."""

    def __init__(self, low: float, high: float, *, log: bool) -> None:
        self.low, self.high, self.log = low, high, log
        self.whole = isinstance(low, int) and isinstance(high, int)

    def rvs(self, size: int | None = None, random_state: Any = None) -> float:  # noqa: ANN401, ARG002 - scipy's form
        """One draw; `random_state` is numpy's RandomState, `size` is not used by scikit-learn."""
        low, high = (self.low - 0.5, self.high + 0.5) if self.whole else (self.low, self.high)
        if not self.log:
            drawn = random_state.uniform(low, high)
        else:
            drawn = float(np.exp(random_state.uniform(np.log(low), np.log(high))))
        return min(max(round(drawn), int(self.low)), int(self.high)) if self.whole else float(drawn)


def best_params(pipeline: Pipeline, rows: pd.DataFrame, target: NDArray[Any], plan: Plan) -> dict[str, Any]:
    """The parameters that did best by the plan's metric. Deterministic by the seed.

    Folds are of later rows judged by earlier ones where rows come in the order of time, else shuffled, and stratified
    for a classifier. Raises BadSpec for a wrong space, BadInput if the rows cannot be divided.
    """
    assert plan.search is not None
    space = read_space(plan, pipeline.steps[-1][1])
    search = RandomizedSearchCV(
        pipeline,
        {f"{STEP}{name}": values for name, values in space.items()},
        n_iter=_budget(plan.search, space),
        cv=_folds(plan, plan.search.get("cv", FOLDS)),
        scoring=_Score(plan),
        random_state=plan.seed,
        refit=False,
        error_score="raise",
    ).fit(rows, target)
    if np.isnan(search.cv_results_["mean_test_score"]).all():
        raise BadInput(f"no fold of the training rows determines {plan.metric}; use more rows or fewer folds.")
    return {name.removeprefix(STEP): chosen for name, chosen in search.best_params_.items()}


def read_space(plan: Plan, estimator: Any) -> dict[str, list[Any] | Range]:  # noqa: ANN401 - any estimator
    """The declared space; raises BadSpec naming what is wrong with it."""
    assert plan.search is not None
    unknown = set(plan.search) - _KEYS
    if unknown:
        raise BadSpec(f"search has no field {min(unknown)!r}; it has space, budget and cv.")
    space = plan.search.get("space")
    if not isinstance(space, Mapping) or not space:
        raise BadSpec("search needs a space: parameter names with a list of values, or with low and high.")
    check_params(plan.estimator, estimator, space)
    for field, least in (("budget", 1), ("cv", 2)):
        number = plan.search.get(field, least)
        if not isinstance(number, int) or number < least:
            raise BadSpec(f"search {field} {number!r} must be a whole number, at least {least}.")
    return {str(name): _values(str(name), declared) for name, declared in space.items()}


def _values(name: str, declared: object) -> list[Any] | Range:
    if isinstance(declared, list) and declared:
        return declared
    if isinstance(declared, Mapping) and {"low", "high"} <= set(declared) <= _RANGE_KEYS:
        low, high, log = declared["low"], declared["high"], bool(declared.get("log", False))
        numbers = all(isinstance(end, (int, float)) and not isinstance(end, bool) for end in (low, high))
        if numbers and low < high and (low > 0 or not log):
            return Range(low, high, log=log)
        raise BadSpec(f"search space of {name!r}: low must be below high, and above 0 where log is true.")
    raise BadSpec(f"search space of {name!r} must be a list of values, or low and high, with log: true if wanted.")


def _budget(search: Mapping[str, Any], space: Mapping[str, list[Any] | Range]) -> int:
    budget = int(search.get("budget", BUDGET))
    if any(isinstance(values, Range) for values in space.values()):
        return budget
    return min(budget, len(ParameterGrid(dict(space))))


def _folds(plan: Plan, folds: int) -> Any:  # noqa: ANN401 - scikit-learn's splitters share no type
    if plan.in_order:
        return TimeSeriesSplit(folds)
    if plan.schema.task == "regression":
        return KFold(folds, shuffle=True, random_state=plan.seed)
    return StratifiedKFold(folds, shuffle=True, random_state=plan.seed)


class _Score:
    """scikit-learn's form of a scorer: more is better."""

    def __init__(self, plan: Plan) -> None:
        self.metric, self.regression = plan.metric, plan.schema.task == "regression"

    def __call__(self, pipeline: Pipeline, rows: pd.DataFrame, target: NDArray[Any]) -> float:
        if self.regression:
            given = Outputs(prediction=pipeline.predict(rows))
        else:
            given = Outputs(labels=pipeline.predict(rows), probabilities=pipeline.predict_proba(rows))
        classes = () if self.regression else tuple(pipeline.classes_)
        return gain_sign(self.metric) * value(self.metric, answers(target, given, classes))
