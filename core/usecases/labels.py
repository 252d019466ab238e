"""Ground truth that came later, joined to what was answered."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .. import layout
from ..domain.columns import Outputs
from ..domain.dataset import DatasetManifest
from ..domain.metrics import Answers, answers
from ..domain.prediction import PREDICTION_ID
from ..ports import ReadsLists
from ..tables.datasets import iter_dataset
from ..tables.predictions import Answered


@dataclass(slots=True)
class Labels:
    """The target by prediction id and by the rows' own id; what is added later wins."""

    by_prediction: dict[str, Any] = field(default_factory=dict)
    by_id: dict[str, Any] = field(default_factory=dict)

    def add(self, datasets: ReadsLists, manifest: DatasetManifest) -> None:
        """Add one dataset of labels."""
        schema = manifest.schema
        keys = {PREDICTION_ID: self.by_prediction} | ({schema.id: self.by_id} if schema.id else {})
        for batch in iter_dataset(datasets, manifest):
            targets = batch.column(schema.target).to_pylist()
            for name, known in keys.items():
                pairs = zip(batch.column(name).to_pylist(), targets, strict=True)
                known.update((key, target) for key, target in pairs if key is not None)

    def of(self, answered: Answered) -> list[Any]:
        """The target of each row, or None."""
        found = [self.by_prediction.get(key) for key in answered.prediction_ids.tolist()]
        if answered.ids is None or not self.by_id:
            return found
        by_id = map(self.by_id.get, answered.ids.tolist())
        return [other if target is None else target for target, other in zip(found, by_id, strict=True)]


@dataclass(slots=True)
class Pairs:
    """Answered rows whose truth is known."""

    truths: list[Any] = field(default_factory=list)
    outputs: list[Outputs] = field(default_factory=list)

    def add(self, answered: Answered, labels: Labels) -> None:
        """Add the rows that have a label."""
        targets = labels.of(answered)
        known = np.array([target is not None for target in targets], dtype=bool)
        if known.any():
            self.truths += [target for target in targets if target is not None]
            self.outputs.append(answered.take(known).outputs)

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.truths)

    def answers(self, classes: tuple[str, ...]) -> Answers:
        """As metrics take them; there must be rows."""
        return answers(np.array(self.truths, dtype=object), _joined(self.outputs), classes)


def label_datasets(datasets: ReadsLists, model: str) -> list[DatasetManifest]:
    """Every dataset of labels, the oldest first."""
    found = (datasets.get(info.key) for info in datasets.list(layout.datasets(model)) if _is_manifest(info.key))
    aged = sorted(found, key=lambda blob: (blob.info.modified, blob.info.key))
    manifests = [DatasetManifest.decode(blob.data) for blob in aged]
    return [manifest for manifest in manifests if manifest.kind == "labels"]


def _is_manifest(key: str) -> bool:
    return key.endswith(f"/{layout.MANIFEST}")


def _joined(outputs: Iterable[Outputs]) -> Outputs:
    parts = list(outputs)
    names = ("labels", "probabilities", "prediction")
    columns = {name: [getattr(part, name) for part in parts] for name in names}
    return Outputs(**{name: None if values[0] is None else np.concatenate(values) for name, values in columns.items()})
