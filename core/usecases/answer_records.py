"""Answers in the form that performance is measured on, and a bounded sample of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..domain.metrics.answers import indexes
from ..domain.model import REFERENCE, ModelManifest
from ..domain.performance.judged import Judged, kept
from ..domain.performance.reference import Reference
from ..ports import Reads
from ..tables.predictions import Answered
from .load_model import read_file

MOST = 1_000_000
"""Rows that figures are of; of more a seeded sample is taken."""


def read_reference(models: Reads, manifest: ModelManifest) -> Reference | None:
    """What the version did on its holdout; None for a version that was made before this was kept."""
    if REFERENCE not in manifest.files:
        return None
    return Reference.decode(read_file(models, manifest, REFERENCE))


def records_of(
    answered: Answered, manifest: ModelManifest, reference: Reference | None, slices: int = 0
) -> NDArray[Any]:
    """Records [n] of dtype `kept`, with no truth and no slice yet, at the time of answering."""
    records = np.zeros(len(answered), kept(len(manifest.classes), slices))
    records["time"] = answered.answered_at
    records["truth"] = np.nan
    outputs = answered.outputs
    if outputs.prediction is None:
        assert outputs.labels is not None
        records["label"] = indexes(outputs.labels, manifest.classes)
        records["probabilities"] = outputs.probabilities
        return records
    records["prediction"] = outputs.prediction.reshape(-1)
    if reference is not None and reference.tree is not None and foreseeable(answered, manifest):
        records["leaf"] = reference.tree.leaf_of(answered.columns, records["prediction"])
    return records


def foreseeable(answered: Answered, manifest: ModelManifest) -> bool:
    """Whether performance can be estimated of these rows: that of a regression needs every feature, measured."""
    return bool(manifest.classes) or answered.columns.keys() >= set(manifest.schema.feature_names)


class Sample:
    """Up to a million of the rows that are added, each as likely as any other; `rows` counts all."""

    def __init__(self, dtype: np.dtype[Any], seed: int) -> None:
        self.rows = 0
        self._random = np.random.default_rng(seed)
        self._records = np.zeros(0, dtype)
        self._lots = np.zeros(0)

    def add(self, records: NDArray[Any]) -> None:
        """Add n rows: those with the lowest lots stay."""
        self.rows += len(records)
        self._records = np.concatenate([self._records, records])
        self._lots = np.concatenate([self._lots, self._random.random(len(records))])
        if len(self._lots) > MOST:
            stay = np.sort(np.argpartition(self._lots, MOST)[:MOST])
            self._records, self._lots = self._records[stay], self._lots[stay]

    def judged(self) -> Judged:
        """The rows, in the order they were added."""
        return Judged(self._records, self.rows, self.rows)
