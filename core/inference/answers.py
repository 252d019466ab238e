"""What a model answered, as JSON values: the same on every protocol, in the prediction log and on the command line."""

from __future__ import annotations

from typing import Any

from ..domain.columns import Outputs
from ..domain.prediction import LABEL, PREDICTION

PROBABILITIES = "probabilities"


def plain(outputs: Outputs, classes: tuple[str, ...]) -> list[dict[str, Any]]:
    """One object a row: `{"label", "probabilities": {class: p}}` for classifiers, `{"prediction"}` for regression.

    >>> import numpy as np
    >>> plain(Outputs(prediction=np.float32([0.5])), ())
    [{'prediction': 0.5}]
    """
    if outputs.labels is None:
        return [{PREDICTION: value} for value in columnar(outputs)[PREDICTION]]
    columns = columnar(outputs)
    return [
        {LABEL: label, PROBABILITIES: dict(zip(classes, probabilities, strict=True))}
        for label, probabilities in zip(columns[LABEL], columns[PROBABILITIES], strict=True)
    ]


def columnar(outputs: Outputs) -> dict[str, list[Any]]:
    """One list an output: `label` [n] and `probabilities` [n][k] for classifiers, `prediction` [n] for regression."""
    if outputs.labels is not None and outputs.probabilities is not None:
        return {LABEL: outputs.labels.tolist(), PROBABILITIES: outputs.probabilities.tolist()}
    assert outputs.prediction is not None
    return {PREDICTION: outputs.prediction.tolist()}
