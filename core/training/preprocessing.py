"""From named columns to the one matrix that an estimator takes; all of it is exported into the ONNX graph.

Null categories are `schema.NULL_CATEGORY`, an ordinary string, so no NaN ever reaches an encoder.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, Literal, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

from ..domain.columns import Columns
from ..domain.schema import Schema

Preparation: TypeAlias = Literal["linear", "trees", "trees with nulls", "dense"]
"""How columns are prepared, by what the estimator needs.

linear: nulls become the median, numbers are standardised, categories one-hot without the most frequent one.
trees: nulls become the median, categories ordinal. trees with nulls: numbers as they are, NaN included.
dense: nulls become the median, categories one-hot; for estimators of the user's own.
"""

MOST_CATEGORIES = 254
"""Rarer categories of a column are treated as unseen: what histogram trees tell apart, and a bound on one-hot width."""

UNSEEN = -1


def frame(columns: Columns, schema: Schema) -> pd.DataFrame:
    """The features in their order, float32 and object columns: what the pipeline is fitted on and asked with."""
    series = {name: pd.Series(columns[name], dtype=columns[name].dtype) for name in schema.feature_names}
    return pd.DataFrame(series, columns=list(schema.feature_names))


def transformer(columns: Columns, schema: Schema, how: Preparation) -> ColumnTransformer:
    """The unfitted preparation of these training columns. Columns are addressed by position: names may be anything."""
    kinds = [(place, feature.name, feature.type == "category") for place, feature in enumerate(schema.features)]
    numbers = [place for place, name, category in kinds if not category and not _empty(columns[name])]
    empty = [place for place, name, category in kinds if not category and _empty(columns[name])]
    steps: list[tuple[str, Any, list[int]]] = []
    if numbers:
        steps.append(("numbers", _numbers(how), numbers))
    if empty:
        steps.append(("empty", _constant(), empty))
    for place, name, category in kinds:
        if category:
            steps.append((f"category {place}", _category(columns[name], how), [place]))
    return ColumnTransformer(steps)


def _empty(values: NDArray[Any]) -> bool:
    return bool(np.isnan(values).all())


def _constant() -> SimpleImputer:
    """For a column that is all null: histogram trees cannot bin it, and there is no median."""
    return SimpleImputer(strategy="constant", fill_value=0.0, keep_empty_features=True)


def _numbers(how: Preparation) -> Any:  # noqa: ANN401 - a transformer or "passthrough"
    imputer = SimpleImputer(strategy="median", keep_empty_features=True)
    match how:
        case "trees with nulls":
            return "passthrough"
        case "linear":
            return Pipeline([("impute", imputer), ("scale", StandardScaler())])
        case _:
            return imputer


def _category(values: NDArray[np.object_], how: Preparation) -> OneHotEncoder | OrdinalEncoder:
    frequent = [value for value, _ in sorted(Counter(values.tolist()).items(), key=lambda item: (-item[1], item[0]))]
    frequent = frequent[:MOST_CATEGORIES]
    if how == "linear" and len(frequent) > 1:
        frequent = frequent[1:]  # all of them add up to the intercept: the fit would not be unique
    known = [np.array(sorted(frequent), dtype=object)]
    if how in {"linear", "dense"}:
        return OneHotEncoder(categories=known, handle_unknown="ignore", sparse_output=False, dtype=np.float32)
    return OrdinalEncoder(categories=known, handle_unknown="use_encoded_value", unknown_value=UNSEEN, dtype=np.float32)
