"""Ground truth that came later, beside the answers that it is the truth of.

A label names an answer by its prediction id, or by the row's own id, which several answers may have. Of all labels of
an answer the one that arrived last counts, so a correction is simply another label: datasets count in the order in
which they were stored, rows in the order of their dataset.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from .. import layout
from ..domain.dataset import DatasetManifest
from ..domain.metrics.answers import UNKNOWN
from ..domain.prediction import PREDICTION_ID
from ..ports import ReadsLists
from ..tables.arrow import TEXT
from ..tables.datasets import iter_dataset
from ..tables.matching import Matching
from ..tables.predictions import Answered

ID = "id"


def label_datasets(datasets: ReadsLists, model: str) -> list[DatasetManifest]:
    """Every dataset of labels, the oldest first."""
    found = (datasets.get(info.key) for info in datasets.list(layout.datasets(model)) if _is_manifest(info.key))
    aged = sorted(found, key=lambda blob: (blob.info.modified, blob.info.key))
    manifests = [DatasetManifest.decode(blob.data) for blob in aged]
    return [manifest for manifest in manifests if manifest.kind == "labels"]


def add_labels(
    matching: Matching, datasets: ReadsLists, manifests: Iterable[DatasetManifest], classes: Sequence[str]
) -> None:
    """Add datasets of labels, the oldest first; `classes` are the model's, none for a regression."""
    for manifest in manifests:
        schema = manifest.schema
        names = {PREDICTION_ID: PREDICTION_ID} | ({ID: schema.id} if schema.id else {})
        for batch in iter_dataset(datasets, manifest):
            rows = batch.filter(batch.column(schema.target).is_valid())
            keys = {kind: rows.column(name) for kind, name in names.items()}
            matching.add_labels(keys, _truth(rows.column(schema.target), classes))


def keys_of(answered: Answered) -> dict[str, pa.Array]:
    """What labels may name these rows by."""
    ids = {} if answered.ids is None else {ID: answered.ids}
    named = {PREDICTION_ID: answered.prediction_ids, **ids}
    return {kind: pa.array(values, TEXT, from_pandas=True) for kind, values in named.items()}


def _truth(targets: pa.Array, classes: Sequence[str]) -> NDArray[np.float64]:
    """Numbers, or the indexes of classes; UNKNOWN for a class that the model does not know."""
    if classes:
        targets = pc.index_in(targets, value_set=pa.array(classes, TEXT)).fill_null(UNKNOWN)
    numbers: NDArray[np.float64] = targets.cast(pa.float64()).to_numpy(zero_copy_only=False)
    return numbers


def _is_manifest(key: str) -> bool:
    return key.endswith(f"/{layout.MANIFEST}")
