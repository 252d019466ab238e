"""Make a fitted estimator decide the same in float32 as in float64.

scikit-learn's histogram trees compare in float64 with a threshold halfway between two values. ONNX compares in float32,
to which skl2onnx rounds the threshold to the nearest: between neighbouring float32 values that is one of the two, and
rows go the other way, silently (25 to 48 % of them on values such as 1,000,000 + noise). Every float32 value x is
below t exactly if it is below the largest float32 that is not above t, so that is what thresholds are set to.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.pipeline import Pipeline


def settle(pipeline: Pipeline) -> None:
    """Set the thresholds of histogram trees to float32 values that decide every float32 row as before."""
    estimator = pipeline.steps[-1][1]
    if isinstance(estimator, (HistGradientBoostingClassifier, HistGradientBoostingRegressor)):
        for trees in estimator._predictors:  # noqa: SLF001 - there is no public way to the trees
            for tree in trees:
                tree.nodes["num_threshold"] = round_down(tree.nodes["num_threshold"])


def round_down(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The largest float32 that is not above each value, still as float64.

    >>> round_down(np.array([0.1, 0.5, np.inf])).tolist()
    [0.09999999403953552, 0.5, inf]
    """
    nearest = values.astype(np.float32)
    below = np.nextafter(nearest, np.float32(-np.inf))
    return np.where(nearest > values, below, nearest).astype(np.float64)
