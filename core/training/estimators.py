"""The estimators: the presets by name, or `package.module:factory`, with their parameters checked."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from sklearn.base import BaseEstimator
from sklearn.ensemble import (
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LinearRegression, LogisticRegression

from ..domain.canonical import sha256
from ..domain.learning import Plan
from ..errors import BadSpec
from .preprocessing import Preparation

RESERVED_PARAMS = MappingProxyType(
    {
        "random_state": "the spec's `seed` decides it",
        "n_jobs": "the bytes of a model must not depend on the number of cores",
        "verbose": "progress is told by Tidemill",
        "warm_start": "every training starts afresh",
        "categorical_features": "ONNX answers otherwise than scikit-learn with it; categories are encoded already",
    }
)
"""Parameters that a spec may not set, and why."""


@dataclass(frozen=True, slots=True)
class Preset:
    """An estimator a task, what it needs of its columns, and the parameters that differ from scikit-learn's."""

    prepare: Preparation
    classifier: Callable[..., BaseEstimator] | None = None
    regressor: Callable[..., BaseEstimator] | None = None
    params: Mapping[str, Any] = field(default_factory=dict)


PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        "logistic-regression": Preset("linear", classifier=LogisticRegression, params={"max_iter": 1000}),
        "linear-regression": Preset("linear", regressor=LinearRegression),
        "random-forest": Preset("trees", RandomForestClassifier, RandomForestRegressor, {"min_samples_leaf": 5}),
        "gradient-boosting": Preset("trees", GradientBoostingClassifier, GradientBoostingRegressor),
        "hist-gradient-boosting": Preset(
            "trees with nulls",
            HistGradientBoostingClassifier,
            HistGradientBoostingRegressor,
            {"early_stopping": False},
        ),
    }
)
"""early_stopping is off since it would split rows again, at random also where the spec splits by time."""


def preparation(name: str) -> Preparation:
    """How the columns of this estimator are prepared."""
    return PRESETS[name].prepare if name in PRESETS else "dense"


def make_estimator(plan: Plan) -> BaseEstimator:
    """The unfitted estimator with the plan's parameters and seed; raises BadSpec naming what is wrong."""
    estimator = _preset(plan) if plan.estimator in PRESETS else _own(plan.estimator)
    check_params(plan.estimator, estimator, plan.params)
    seeded = {"random_state": plan.seed} if "random_state" in estimator.get_params(deep=False) else {}
    return estimator.set_params(**plan.params, **seeded)


def source_hash(name: str) -> str | None:
    """SHA-256 of the file that holds the user's factory, None for a preset; raises BadSpec if there is none."""
    if name in PRESETS:
        return None
    _own(name)
    file = sys.modules[name.partition(":")[0]].__file__
    assert file is not None
    return sha256(Path(file).read_bytes())


def check_params(name: str, estimator: BaseEstimator, params: Mapping[str, Any]) -> None:
    """Raise BadSpec for parameters that the estimator does not have or that are not the spec's to set."""
    valid = sorted(set(estimator.get_params(deep=True)) - set(RESERVED_PARAMS))
    for param in params:
        if param in RESERVED_PARAMS:
            raise BadSpec(f"parameter {param!r} cannot be set: {RESERVED_PARAMS[param]}; remove it.")
        if param not in valid:
            raise BadSpec(f"estimator {name} has no parameter {param!r}; it has {', '.join(valid)}.")


def _preset(plan: Plan) -> BaseEstimator:
    preset = PRESETS[plan.estimator]
    make = preset.regressor if plan.schema.task == "regression" else preset.classifier
    if make is None:
        raise BadSpec(f"estimator {plan.estimator} does not do {plan.schema.task}.")
    return make(**preset.params)


def _own(name: str) -> BaseEstimator:
    module, _, factory = name.partition(":")
    try:
        estimator = getattr(importlib.import_module(module), factory)()
    except (ImportError, AttributeError, TypeError) as error:
        raise BadSpec(f"estimator {name} cannot be made: {error}; is it on PYTHONPATH?") from error
    if not hasattr(estimator, "fit") or not hasattr(estimator, "get_params"):
        raise BadSpec(f"estimator {name} gives {type(estimator).__name__}, which is no scikit-learn estimator.")
    return estimator
