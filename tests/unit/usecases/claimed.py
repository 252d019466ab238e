"""Datasets and claims in stores in memory, as ingest and the trigger leave them: what a training starts from."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from core import layout
from core.adapters.store_memory import MemoryStore
from core.code import code_version
from core.domain.canonical import content_version, sha256
from core.domain.dataset import DatasetManifest, Part, Source
from core.domain.training import Claim, training_id
from core.inference.predictor import load_predictor
from core.ports import Learner, ObjectStore
from core.spec import ModelSpec
from core.tables.arrow import dataset_schema
from core.tables.datasets import encode_part
from core.training.learner import SklearnLearner
from core.usecases.train import Training, train

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


class Clock:
    def now(self) -> datetime:
        return NOW


def spec(**changes: Any) -> ModelSpec:
    """Penguins by their beaks, small and quick to learn."""
    fields: dict[str, Any] = {
        "model": "penguins",
        "task": "binary",
        "target": "sex",
        "id": "tag",
        "features": [
            {"name": "bill", "type": "number", "nullable": True},
            {"name": "flipper", "type": "integer", "nullable": True},
            {"name": "island", "type": "category", "nullable": True},
        ],
        "estimator": "hist-gradient-boosting",
        "params": {"max_iter": 10},
        "seed": 7,
        **changes,
    }
    return ModelSpec.model_validate(fields)


@dataclass
class World:
    """The zones that a training sees."""

    models: ObjectStore = field(default_factory=MemoryStore)
    datasets: ObjectStore = field(default_factory=MemoryStore)
    learner: Learner = field(default_factory=SklearnLearner)
    steps: list[str] = field(default_factory=list)

    def put(self, declared: ModelSpec, rows: list[dict[str, Any]]) -> str:
        """Store a dataset; returns its version."""
        schema = dataset_schema(declared.columns, "rows")
        batches = pa.Table.from_pylist(rows, schema=schema).to_batches()
        part = encode_part(batches)
        version = content_version([sha256(part), declared.columns.to_json()])
        manifest = DatasetManifest(
            model=declared.model,
            version=version,
            kind="rows",
            source=Source(f"{declared.model}/rows/{version}.csv", "1", sha256(part)),
            schema=declared.columns,
            rows=len(rows),
            rejected=0,
            parts=(Part(len(rows), sha256(part)),),
            code="test",
        )
        self.datasets.put(layout.dataset_part(declared.model, version, 0), part)
        self.datasets.put(layout.dataset_manifest(declared.model, version), manifest.encode())
        return version

    def claim(self, declared: ModelSpec, *datasets: str) -> str:
        """Take a claim on datasets that arrived in this order; returns its training."""
        code = code_version()
        training = training_id(datasets, declared.learning(), code)
        claim = Claim(
            model=declared.model,
            training=training,
            datasets=datasets,
            spec=declared.model_dump(mode="json"),
            cause="by hand",
            reason="asked for by hand",
            heeded=(),
            taken=NOW.isoformat(),
            until=NOW.isoformat(),
        )
        self.models.put(layout.claim(declared.model, training), claim.encode())
        return training

    def run(self, training: str, model: str = "penguins") -> Training:
        return train(
            self.models,
            self.datasets,
            model=model,
            training=training,
            learner=self.learner,
            load=load_predictor,
            clock=Clock(),
            code=code_version(),
            progress=self.steps.append,
        )

    def train(self, declared: ModelSpec, *batches: list[dict[str, Any]]) -> Training:
        """Store the rows, claim and train."""
        return self.run(self.claim(declared, *(self.put(declared, rows) for rows in batches)), declared.model)

    def contents(self) -> dict[str, bytes]:
        """Everything in the models zone."""
        return {info.key: self.models.get(info.key).data for info in self.models.list("")}
