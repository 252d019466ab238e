"""Ask a fitted scikit-learn pipeline as a served model is asked."""

from __future__ import annotations

import numpy as np
from sklearn.pipeline import Pipeline

from ..domain.columns import Columns, Outputs
from ..domain.schema import Schema
from .preprocessing import frame


def answer(pipeline: Pipeline, columns: Columns, schema: Schema) -> Outputs:
    """scikit-learn's own answers for n rows: with them ONNX is compared, and by them models are judged."""
    rows = frame(columns, schema)
    if schema.task == "regression":
        return Outputs(prediction=np.asarray(pipeline.predict(rows), dtype=np.float32).reshape(-1))
    return Outputs(
        labels=np.asarray(pipeline.predict(rows), dtype=object),
        probabilities=np.asarray(pipeline.predict_proba(rows), dtype=np.float32),
    )
