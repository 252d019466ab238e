"""A store in memory with a model that serves, for the use cases around its answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core import layout
from core.adapters.store_memory import MemoryStore
from core.domain.canonical import canonical_json, sha256
from core.domain.columns import Columns, Outputs
from core.domain.metrics import answers, evaluate
from core.domain.model import ONNX, PROFILE, REFERENCE, ModelManifest
from core.domain.performance.reference import learn
from core.domain.profile import build
from core.domain.route import Route
from core.domain.schema import NULL_CATEGORY
from core.layout import ZONES, Zone
from core.ports import ObjectStore
from core.spec import ModelSpec
from core.usecases.score_batch import BatchResult, Means, score_batch

CODE = "0.1.0+test"
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
CLASSES = ("no", "yes")
SPEC = ModelSpec.model_validate(
    {
        "model": "m",
        "task": "binary",
        "target": "y",
        "id": "id",
        "time": "at",
        "features": [
            {"name": "x", "type": "number", "nullable": True, "max": 100},
            {"name": "c", "type": "category", "nullable": True},
            {"name": "b", "type": "boolean"},
        ],
        "drift": {"min_rows": 200},
    }
)


class Model:
    """Answers by x alone; refuses bytes that are no model of the test."""

    def __init__(self, onnx: bytes, manifest: ModelManifest) -> None:
        assert onnx.startswith(b"bias ")
        self.bias = float(onnx.split()[1])
        self.regression = not manifest.classes

    def predict(self, columns: Columns) -> Outputs:
        score = (np.nan_to_num(columns["x"]) + self.bias).astype(np.float32)
        if self.regression:
            return Outputs(prediction=score)
        positive = (1 / (1 + np.exp(-score))).astype(np.float32)
        labels = np.where(positive > 0.5, "yes", "no").astype(object)
        return Outputs(labels, np.stack([1 - positive, positive], axis=1))


def truth(x: NDArray[Any], spec: ModelSpec, seed: int = 3) -> NDArray[Any]:
    """What is true of rows with these x: what the unbiased model answers, with some noise."""
    score = np.nan_to_num(x) + np.random.default_rng(seed).normal(0, 0.4, len(x))
    return score if spec.task == "regression" else np.where(score > 0, "yes", "no").astype(object)


@dataclass
class Clock:
    """Stands still unless it is set."""

    time: datetime = NOON

    def now(self) -> datetime:
        return self.time


def rows(count: int, seed: int = 0, shift: float = 0) -> dict[str, NDArray[Any]]:
    """Features of `count` rows; `shift` moves x."""
    rng = np.random.default_rng(seed)
    return {
        "x": (rng.normal(size=count) + shift).astype(np.float32),
        "c": rng.choice(np.array(["red", "green", NULL_CATEGORY], dtype=object), count),
        "b": rng.integers(0, 2, count).astype(np.float32),
    }


def csv(columns: Mapping[str, NDArray[Any]], start: int = 0, at: datetime = NOON) -> bytes:
    """As a file to score: ids r<n> counted from `start`, one row a second from `at`."""
    lines = ["id,at,x,c,b"]
    for row, (x, c, b) in enumerate(zip(*columns.values(), strict=True)):
        time = (at + timedelta(seconds=row)).isoformat()
        lines.append(f"r{start + row},{time},{x},{'' if c == NULL_CATEGORY else c},{'true' if b else 'false'}")
    return "\n".join(lines).encode() + b"\n"


@dataclass
class Site:
    """Every zone, a clock and a spec."""

    zones: dict[Zone, ObjectStore] = field(default_factory=lambda: {zone: MemoryStore() for zone in ZONES})
    clock: Clock = field(default_factory=Clock)
    spec: ModelSpec = SPEC

    def publish(self, version: str, bias: float = 0, *, serves: bool = True) -> ModelManifest:
        """A version that learned from 5,000 rows."""
        columns = rows(5_000, seed=99)
        classes = () if self.spec.task == "regression" else CLASSES
        onnx = f"bias {bias}".encode()
        manifest = ModelManifest("m", version, self.spec.columns, classes, {}, {}, 5_000, 5_000)
        outputs = Model(onnx, manifest).predict(columns)
        reference = {self.spec.metric: {"value": 0.9, "low": 0.88, "high": 0.92}}
        known = answers(truth(columns["x"], self.spec), outputs, classes)
        files = {
            ONNX: onnx,
            PROFILE: build(self.spec.columns, columns, outputs, classes, reference).encode(),
            REFERENCE: learn(columns, known, evaluate(known, seed=1), seed=1).encode(),
        }
        for name, data in files.items():
            self.zones["models"].put(layout.model_file("m", version, name), data)
        hashes = {name: sha256(data) for name, data in files.items()}
        manifest = ModelManifest("m", version, self.spec.columns, classes, {}, hashes, 5_000, 5_000)
        self.zones["models"].put(layout.model_manifest("m", version), canonical_json(manifest.to_json()))
        if serves:
            self.serve(version)
        return manifest

    def serve(self, version: str) -> None:
        self.zones["models"].put(layout.route("m"), Route("m", version).encode())

    def drop(self, name: str, data: bytes) -> str:
        key = layout.landing("m", "score", name)
        self.zones["landing"].put(key, data)
        return key

    def score(self, key: str) -> BatchResult:
        zones = self.zones
        return score_batch(
            zones["landing"],
            zones["models"],
            zones["predictions"],
            zones["quarantine"],
            key=key,
            means=self.means(),
        )

    def means(self, **others: Any) -> Means:
        return Means(Model, self.clock, CODE, **others)

    def state(self, *zones: Zone) -> dict[str, bytes]:
        """Everything that is stored there."""
        stores = {zone: self.zones[zone] for zone in zones}
        return {
            f"{zone}/{info.key}": store.get(info.key).data for zone, store in stores.items() for info in store.list("")
        }
