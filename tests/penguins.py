"""Small served models of real penguins, made once a session: a classifier in two versions, and a regression."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from palmerpenguins import load_penguins
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from core import layout
from core.adapters.store_memory import MemoryStore
from core.domain.canonical import canonical_json, sha256
from core.domain.columns import Columns, Outputs
from core.domain.model import GOLDEN, ONNX, ModelManifest
from core.domain.route import Route
from core.domain.schema import NULL_CATEGORY, Feature, Schema
from core.inference.cache import ModelCache
from core.inference.golden import Golden
from core.inference.http import Request, Response
from core.inference.predictor import load_predictor
from core.inference.service import Service
from core.ports import ObjectStore
from core.usecases.log_predictions import LogMode, PredictionLog

MODEL = "penguins"
FEATURES = (
    Feature("island", "category", values=("Biscoe", "Dream", "Torgersen")),
    Feature("sex", "category", nullable=True),
    Feature("bill_length", "number", nullable=True, min=0, max=100),
    Feature("flipper_length", "integer", min=100, max=300),
    Feature("heavy", "boolean", nullable=True),
)
ROW: dict[str, Any] = {
    "island": "Dream",
    "sex": "female",
    "bill_length": 39.5,
    "flipper_length": 186,
    "heavy": False,
}


@dataclass(frozen=True)
class Version:
    """A model version as it is stored."""

    manifest: ModelManifest
    files: dict[str, bytes]

    @property
    def version(self) -> str:
        return self.manifest.version

    def store(self, models: ObjectStore) -> None:
        for name, data in self.files.items():
            models.put(layout.model_file(self.manifest.model, self.version, name), data)
        models.put(layout.model_manifest(self.manifest.model, self.version), canonical_json(self.manifest.to_json()))


def schema(task: str = "multiclass", model: str = MODEL, **changes: Any) -> Schema:
    fields: dict[str, Any] = {
        "target": "species",
        "features": FEATURES,
        "id": "tag",
        "time": "seen",
        "sensitive": ("colony",),
        "drop": ("observer",),
        **changes,
    }
    return Schema(model=model, task=task, **fields)  # type: ignore[arg-type]


def route(models: ObjectStore, champion: Version | str, *earlier: Version | str, model: str = MODEL) -> Route:
    """Make `champion` serve."""
    names = [each if isinstance(each, str) else each.version for each in (champion, *earlier)]
    written = Route(model=model, champion=names[0], earlier=tuple(names[1:]))
    models.put(layout.route(model), written.encode())
    return written


def rows(n: int) -> list[dict[str, Any]]:
    """Real rows as a client would send them, nulls included."""
    frame = _frame().head(n)
    records = frame.astype(object).where(frame.notna(), None).to_dict("records")
    return [{**record, "flipper_length": int(record["flipper_length"])} for record in records]


@cache
def classifier(variant: int = 1) -> Version:
    """Variants answer differently: the second is regularised more."""
    species = _species()
    pipeline = _pipeline(LogisticRegression(C=1.0 if variant == 1 else 0.01, max_iter=2000)).fit(_inputs(), species)
    return _version(pipeline, schema(), tuple(sorted(set(species))), variant)


@cache
def regression() -> Version:
    pipeline = _pipeline(Ridge()).fit(_inputs(), _raw()["body_mass_g"].to_numpy(np.float32))
    return _version(pipeline, schema("regression", "weights", target="body_mass"), (), 1)


def _raw() -> pd.DataFrame:
    frame = load_penguins()
    return frame[frame["flipper_length_mm"].notna()].reset_index(drop=True)


def _frame() -> pd.DataFrame:
    raw = _raw()
    frame = pd.DataFrame(
        {
            "island": raw["island"].astype(object),
            "sex": raw["sex"].astype(object),
            "bill_length": raw["bill_length_mm"],
            "flipper_length": raw["flipper_length_mm"],
            "heavy": (raw["body_mass_g"] > 4200).astype(object),
        }
    )
    frame.loc[::17, "bill_length"] = np.nan
    frame.loc[::13, "heavy"] = None
    return frame


def _species() -> np.ndarray[Any, Any]:
    return _raw()["species"].to_numpy(dtype=object)


def _columns() -> Columns:
    frame = _frame()
    columns = {name: frame[name].to_numpy(np.float32) for name in ("bill_length", "flipper_length")}
    columns["heavy"] = np.array([np.nan if value is None else value for value in frame["heavy"]], np.float32)
    for name in ("island", "sex"):
        columns[name] = np.array([value if isinstance(value, str) else NULL_CATEGORY for value in frame[name]], object)
    return columns


def _inputs() -> pd.DataFrame:
    return pd.DataFrame({feature.name: _columns()[feature.name] for feature in FEATURES})


def _pipeline(estimator: Any) -> Any:
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    transformer = ColumnTransformer(
        [
            ("categories", OneHotEncoder(handle_unknown="ignore"), ["island", "sex"]),
            ("numbers", numbers, ["bill_length", "flipper_length", "heavy"]),
        ]
    )
    return make_pipeline(transformer, estimator)


def _version(pipeline: Any, columns: Schema, classes: tuple[str, ...], variant: int) -> Version:
    onnx = _export(pipeline, classifies=bool(classes))
    unproven = _manifest(columns, classes, variant, {})
    few: Columns = {name: values[:40] for name, values in _columns().items()}
    outputs: Outputs = load_predictor(onnx, unproven).predict(few)
    files = {ONNX: onnx, GOLDEN: Golden(few, outputs).encode()}
    hashes = {name: sha256(data) for name, data in files.items()}
    return Version(_manifest(columns, classes, variant, hashes), files)


def _manifest(columns: Schema, classes: tuple[str, ...], variant: int, files: dict[str, str]) -> ModelManifest:
    return ModelManifest(
        model=columns.model,
        version=f"{variant:016x}",
        schema=columns,
        classes=classes,
        inputs={},
        files=files,
        training_rows=len(_frame()),
        holdout_rows=0,
    )


def _export(pipeline: Any, *, classifies: bool) -> bytes:
    types = {"category": StringTensorType}
    inputs = [(feature.name, types.get(feature.type, FloatTensorType)([None, 1])) for feature in FEATURES]
    if classifies:
        model = convert_sklearn(pipeline, initial_types=inputs, options={id(pipeline): {"zipmap": False}})
    else:
        outputs = [("prediction", FloatTensorType([None, 1]))]
        model = convert_sklearn(pipeline, initial_types=inputs, final_types=outputs)
    return bytes(model.SerializeToString())


class Clock:
    """A clock that stands until it is set on."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 11, 24, 12, tzinfo=UTC)

    def now(self) -> datetime:
        return self.moment

    def seconds(self) -> float:
        return self.moment.timestamp()

    def advance(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)


class Desk:
    """A service over stores in memory, with two classifier versions (the first serves) and a regression."""

    def __init__(self, *, mode: LogMode = "buffered", default_models: Sequence[str] = (), **options: Any) -> None:
        self.models, self.predictions, self.clock = MemoryStore(), MemoryStore(), Clock()
        for version in (classifier(1), classifier(2), regression()):
            version.store(self.models)
        route(self.models, classifier(1))
        route(self.models, regression(), model="weights")
        self.cache = ModelCache(self.models, load_predictor, now=self.clock.seconds)
        self.log = PredictionLog(self.predictions, self.clock, mode=mode, writer="desk")
        self.service = Service(self.cache, self.log, default_models, **options)

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> Response:
        """Send a request: `body` as it is if bytes, else as JSON; `_` in the names of headers stands for `-`."""
        data = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.service.handle(Request(method, path, "", names, data))

    def predict(self, *instances: object, model: str = MODEL) -> Response:
        return self.ask("POST", f"/v1/models/{model}:predict", {"instances": instances})

    def records(self) -> dict[str, list[dict[str, Any]]]:
        """What was stored: key -> records."""
        self.log.flush()
        keys = [info.key for info in self.predictions.list("")]
        return {key: [json.loads(line) for line in self.predictions.get(key).data.splitlines()] for key in keys}


def content(response: Response) -> Any:
    return json.loads(response.body)


def sentence(response: Response) -> str:
    """The error of a refused request."""
    assert set(content(response)) == {"error"}
    return str(content(response)["error"])
