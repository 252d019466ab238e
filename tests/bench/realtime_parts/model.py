"""The model that every server of the bench answers with: gradient boosting on 15 mixed columns of real flights."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from core import layout
from core.adapters.store_local import LocalStore
from core.cli.demo_flights import month_file
from core.domain.learning import Plan, Rows
from core.domain.model import ONNX
from core.domain.route import Route
from core.domain.schema import NULL_CATEGORY, Feature, Schema
from core.training.learner import SklearnLearner
from core.usecases.make_version import Recipe, make_version

from .model_names import CATEGORIES, INTEGERS, NUMBERS, WEATHER

MODEL = "flights"
VERSIONS = ("0000000000000001", "0000000000000002")
"""The second has more trees, so that its answers tell it from the first."""
TREES = {VERSIONS[0]: 100, VERSIONS[1]: 120}
INPUTS = {"datasets": ["flights of January to March 2013"], "code": "bench", "environment": {}}
SCHEMA = Schema(
    model=MODEL,
    task="binary",
    target="late",
    features=(
        *(Feature(name, "category") for name in CATEGORIES),
        *(Feature(name, "integer", min=0, max=1439) for name in INTEGERS),
        Feature("distance", "number", min=0, max=6000),
        *(Feature(name, "number", nullable=True) for name in WEATHER),
    ),
)


def make(folder: Path) -> None:
    """Store both versions in `folder/models`, route to the first; `folder/rows.json` has 100 rows to ask about."""
    frame = _flights()
    rows = Rows(_columns(frame), frame["late"].map({True: "true", False: "false"}).to_numpy(dtype=object))
    held = np.arange(len(frame)) % 5 == 0
    models = LocalStore(folder / "models")
    for version, trees in TREES.items():
        plan = Plan(SCHEMA, "hist-gradient-boosting", {"max_iter": trees}, None, 7, "roc_auc", in_order=False)
        recipe = Recipe(version, INPUTS, plan, "interleaved", None)
        training, holdout = rows.take(np.flatnonzero(~held)), rows.take(np.flatnonzero(held))
        make_version(models, recipe, training, holdout, SklearnLearner(), print_nothing)
    models.create(layout.route(MODEL), Route.first(MODEL, VERSIONS[0], "bench").encode())
    (folder / "rows.json").write_text(json.dumps(_instances(frame.head(100))))


def onnx_file(folder: Path) -> Path:
    """Where the first version's model lies."""
    return folder / "models" / layout.model_file(MODEL, VERSIONS[0], ONNX)


def training_rows(folder: Path) -> Path:
    """A CSV file of the rows that the model learns from, for those who make their own of them."""
    file = folder / "training.csv"
    if not file.exists():
        _flights().to_csv(file, index=False)
    return file


def print_nothing(_step: str) -> None:
    """Training is no part of what is measured."""


def _flights() -> pd.DataFrame:
    frame = pd.concat([pd.read_csv(month_file(month)) for month in ("01", "02", "03")], ignore_index=True)
    return frame.assign(day=pd.to_datetime(frame["scheduled"]).dt.day)


def _columns(frame: pd.DataFrame) -> dict[str, np.ndarray[Any, Any]]:
    texts = {name: frame[name].fillna(NULL_CATEGORY).to_numpy(dtype=object) for name in CATEGORIES}
    return texts | {name: frame[name].to_numpy(np.float32) for name in (*INTEGERS, *NUMBERS)}


def _instances(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as a client would send them, nulls included."""
    chosen = frame[list(SCHEMA.feature_names)].astype(object)
    return chosen.where(chosen.notna(), None).to_dict("records")
