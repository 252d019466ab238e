"""Learn with scikit-learn: fit, export to ONNX, prove parity. The `Learner` port."""

from __future__ import annotations

import platform
import warnings
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from importlib.metadata import version
from typing import Any

import numpy as np
from skl2onnx.sklapi import CastTransformer
from sklearn.pipeline import Pipeline
from sklearn.utils._param_validation import InvalidParameterError
from threadpoolctl import threadpool_limits

from ..domain.learning import Learned, Plan, Rows
from ..domain.model import ModelManifest
from ..errors import BadInput, BadSpec, Corrupt
from ..inference.predictor import load_predictor
from ..ports import Predictor
from .answering import answer
from .estimators import make_estimator, preparation, source_hash
from .exact import settle
from .export import to_onnx
from .golden_rows import golden_rows
from .importance import importance
from .parity import parity
from .preprocessing import frame, transformer
from .search import best_params
from .stored import to_skops

_FOR_DEVELOPERS = (DeprecationWarning, FutureWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning)

LIBRARIES = ("numpy", "scipy", "scikit-learn", "skl2onnx", "onnx", "onnxruntime", "skops")
"""Those whose release may change a model's bytes."""


class SklearnLearner:
    """Fits presets and users' own estimators.

    On one thread, since sums of floating-point numbers depend on how they are shared out: the same rows give the same
    bytes whatever the number of cores. The trials of a search are each on one thread too, and where they are done makes
    no difference: inside of `elsewhere` joblib may send them to other machines.
    """

    def __init__(self, elsewhere: Callable[[], AbstractContextManager[object]] = nullcontext) -> None:
        self._elsewhere = elsewhere

    def environment(self, estimator: str) -> Mapping[str, str]:
        """Python's minor version, each library's release, and the SHA-256 of the file of a user's own estimator."""
        python = ".".join(platform.python_version_tuple()[:2])
        found = {"python": python, **{library: version(library) for library in LIBRARIES}}
        source = source_hash(estimator)
        return found if source is None else {**found, "estimator": source}

    def learn(self, plan: Plan, training: Rows, holdout: Rows, progress: Callable[[str], None]) -> Learned:
        """See `ports.Learner`."""
        with threadpool_limits(1), warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            pipeline, params = _fit(plan, training, progress, self._elsewhere)
            progress("exporting to ONNX")
            classes = () if plan.schema.task == "regression" else tuple(map(str, pipeline.classes_))
            onnx = to_onnx(pipeline, plan.schema, classes)
            progress(f"proving parity on {len(holdout):,} rows")
            predictor = _loaded(onnx, plan, classes)
            return Learned(
                classes=classes,
                onnx=onnx,
                estimator=to_skops(pipeline),
                golden=golden_rows(pipeline, holdout.columns, plan.schema, plan.seed).encode(),
                outputs=answer(pipeline, holdout.columns, plan.schema),
                parity=parity(pipeline, predictor, holdout.columns, plan.schema, plan.seed),
                params=params,
                importance=importance(predictor, plan, holdout, classes),
                notes=_notes(caught),
            )


def _fit(
    plan: Plan,
    training: Rows,
    progress: Callable[[str], None],
    elsewhere: Callable[[], AbstractContextManager[object]],
) -> tuple[Pipeline, dict[str, Any]]:
    rows = frame(training.columns, plan.schema)
    pipeline = _pipeline(plan, training)
    try:
        if plan.search is not None:
            progress("searching for parameters")
            with elsewhere():
                found = best_params(pipeline, rows, training.target, plan)
            plan = replace(plan, params=found, search=None)
            pipeline = _pipeline(plan, training)
        progress(f"fitting {plan.estimator} on {len(training):,} rows")
        pipeline.fit(rows, training.target)
    except InvalidParameterError as error:
        raise BadSpec(f"estimator {plan.estimator}: {_one_line(error)}") from error
    except (ValueError, np.linalg.LinAlgError) as error:
        raise BadInput(f"estimator {plan.estimator} cannot learn from these rows: {_one_line(error)}") from error
    settle(pipeline)
    return pipeline, dict(plan.params)


def _pipeline(plan: Plan, training: Rows) -> Pipeline:
    estimator = make_estimator(plan)
    if plan.schema.task != "regression" and not hasattr(estimator, "predict_proba"):
        raise BadSpec(f"estimator {plan.estimator} gives no probabilities; wrap it in CalibratedClassifierCV.")
    how = preparation(plan.estimator)
    steps: list[tuple[str, Any]] = [("prepare", transformer(training.columns, plan.schema, how))]
    if how == "linear":  # solved in float32 a least-squares fit of dependent columns has coefficients in the thousands
        steps.append(("widen", CastTransformer(dtype=np.float64)))
    return Pipeline([*steps, ("model", estimator)])


def _loaded(onnx: bytes, plan: Plan, classes: tuple[str, ...]) -> Predictor:
    try:
        return load_predictor(onnx, manifest_of(plan, classes))
    except Corrupt as error:
        raise BadSpec(f"estimator {plan.estimator} was exported to ONNX, and cannot be loaded: {error}") from error


def manifest_of(plan: Plan, classes: tuple[str, ...]) -> ModelManifest:
    """As much of the manifest as a predictor reads."""
    return ModelManifest(
        model=plan.schema.model,
        version="candidate",
        schema=plan.schema,
        classes=classes,
        inputs={},
        files={},
        training_rows=0,
        holdout_rows=0,
    )


def _notes(caught: list[warnings.WarningMessage]) -> tuple[str, ...]:
    ours = [warning.message for warning in caught if not issubclass(warning.category, _FOR_DEVELOPERS)]
    return tuple(dict.fromkeys(map(_one_line, ours)))


def _one_line(message: object) -> str:
    return " ".join(str(message).split())[:300]
