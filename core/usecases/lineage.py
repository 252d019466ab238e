"""What made this: from a prediction to its version, from a version to its datasets, down to the files dropped."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from .. import layout
from ..domain.dataset import DatasetManifest
from ..domain.model import ModelManifest
from ..domain.prediction import MODEL_VERSION, PREDICTION_ID, Place, place_of
from ..errors import NotFound
from ..ports import Reads
from .browse import ReadableRegistry, find_model_of


@dataclass(frozen=True, slots=True)
class Node:
    """One thing and what it was made from. `kind` is prediction, model, dataset or object."""

    kind: str
    id: str
    parents: tuple[Node, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values, recursively."""
        return asdict(self)


def lineage(models: ReadableRegistry, datasets: Reads, predictions: Reads, identifier: str) -> Node:
    """The lineage of a model version or of a prediction; raises NotFound, or BadInput for what is neither."""
    if "." in identifier:
        return _prediction(models, datasets, predictions, identifier, place_of(identifier))
    return _version(models, datasets, find_model_of(models, identifier), identifier)


def _version(models: Reads, datasets: Reads, model: str, version: str) -> Node:
    manifest = ModelManifest.decode(models.get(layout.model_manifest(model, version)).data)
    parents = tuple(_dataset(datasets, model, dataset) for dataset in manifest.inputs["datasets"])
    return Node("model", f"{model}/{version}", parents)


def _dataset(datasets: Reads, model: str, version: str) -> Node:
    source = DatasetManifest.decode(datasets.get(layout.dataset_manifest(model, version)).data).source
    return Node("dataset", f"{model}/{version}", (_landed(source.key, source.version),))


def _landed(key: str, version: str) -> Node:
    return Node("object", f"landing/{key}@{version}")


def _prediction(models: Reads, datasets: Reads, predictions: Reads, identifier: str, place: Place) -> Node:
    if place.run is not None:
        start = json.loads(predictions.get(layout.batch_start(place.model, place.run)).data)
        made = _version(models, datasets, place.model, start["version"])
        return Node("prediction", identifier, (made, _landed(start["source"]["key"], start["source"]["version"])))
    record = _logged(predictions, place, identifier)
    return Node("prediction", identifier, (_version(models, datasets, place.model, record[MODEL_VERSION]),))


def _logged(predictions: Reads, place: Place, identifier: str) -> dict[str, Any]:
    for line in predictions.get(place.key).data.splitlines():
        record: dict[str, Any] = json.loads(line)
        if record[PREDICTION_ID] == identifier:
            return record
    raise NotFound(f"{place.key} holds no prediction {identifier}.")
