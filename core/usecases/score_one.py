"""Answer the rows of one request with one version, and record what was answered."""

from __future__ import annotations

from dataclasses import dataclass

from ..domain.columns import Outputs
from ..domain.model import ModelManifest
from ..inference.rows import Rows
from .load_model import LoadedModel
from .log_predictions import Answered, PredictionLog


@dataclass(frozen=True, slots=True)
class Answer:
    """What n rows were answered, by the version of `manifest`; `prediction_ids` find the records again."""

    manifest: ModelManifest
    outputs: Outputs
    prediction_ids: list[str]


def score(model: LoadedModel, rows: Rows, log: PredictionLog, *, request_id: str) -> Answer:
    """Answer `rows`; raises Transient if the answer must be recorded first (mode sync) and cannot be."""
    manifest = model.manifest
    outputs = model.predictor.predict(rows.columns)
    answered = Answered(manifest.model, manifest.version, manifest.classes, request_id, rows, outputs)
    return Answer(manifest, outputs, log.record(answered))
