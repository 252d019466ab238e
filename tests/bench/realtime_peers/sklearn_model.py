"""The bench's model as scikit-learn's own pipeline, for the servers that serve those: fitted where it is served."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OrdinalEncoder

from tests.bench.realtime_parts.model_names import CATEGORIES, INTEGERS, NUMBERS

COLUMNS = [*CATEGORIES, *INTEGERS, *NUMBERS]
TREES = 100


def fitted(file: Path) -> tuple[Pipeline, Any]:
    """The pipeline fitted on the rows of a CSV file, and a few of its inputs."""
    frame = pd.read_csv(file, dtype=dict.fromkeys(CATEGORIES, object))
    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    columns = ColumnTransformer([("categories", encoder, list(CATEGORIES))], remainder="passthrough")
    trees = HistGradientBoostingClassifier(max_iter=TREES, random_state=7, early_stopping=False)
    pipeline = make_pipeline(columns, trees).fit(frame[COLUMNS], frame["late"].map({True: "true", False: "false"}))
    return pipeline, frame[COLUMNS].head()
