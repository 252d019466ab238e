"""Make a fitted estimator the same on every machine, and decide the same in float32 as in float64.

Histogram trees: scikit-learn compares in float64 with a threshold halfway between two values. ONNX compares in float32,
to which skl2onnx rounds the threshold to the nearest: between neighbouring float32 values that is one of the two, and
rows go the other way, silently (25 to 34 % of labels are wrong on values such as 1,000,000 + noise). Every float32
value is at most t exactly if it is at most the largest float32 that is not above t: so thresholds are set to that.

Linear models: the last digits of a solution depend on the kernel that OpenBLAS chooses for the processor. What is kept
are six significant digits, far more than rows can tell.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import Pipeline

DIGITS = 6
_SOLUTION = ("coef_", "intercept_", "singular_")


def settle(pipeline: Pipeline) -> None:
    """Change the fitted presets in place as told above; other estimators stay as they are."""
    estimator = final_estimator(pipeline)
    if isinstance(estimator, (HistGradientBoostingClassifier, HistGradientBoostingRegressor)):
        for trees in estimator._predictors:  # noqa: SLF001 - there is no public way to the trees
            for tree in trees:
                tree.nodes["num_threshold"] = round_down(tree.nodes["num_threshold"])
    elif isinstance(estimator, (LinearRegression, LogisticRegression)):
        for name in _SOLUTION:
            if hasattr(estimator, name):
                setattr(estimator, name, significant(getattr(estimator, name)))


def final_estimator(pipeline: Pipeline) -> Any:  # noqa: ANN401 - any scikit-learn estimator
    """The last step, also of a pipeline within the pipeline."""
    last = pipeline.steps[-1][1]
    return final_estimator(last) if isinstance(last, Pipeline) else last


def round_down(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The largest float32 that is not above each value, still as float64.

    >>> round_down(np.array([0.1, 0.5, np.inf])).tolist()
    [0.09999999403953552, 0.5, inf]
    """
    nearest = values.astype(np.float32)
    below = np.nextafter(nearest, np.float32(-np.inf))
    return np.where(nearest > values, below, nearest).astype(np.float64)


def significant(values: Any) -> Any:  # noqa: ANN401 - a number or an array, as it came
    """Rounded to six significant digits.

    >>> significant(np.array([1234567.0, -0.000123456789, 0.0])).tolist()
    [1234570.0, -0.000123457, 0.0]
    """
    rounded = np.array([float(f"{value:.{DIGITS}g}") for value in np.ravel(values)]).reshape(np.shape(values))
    return rounded[()]  # of no dimension a number, as skl2onnx wants it
