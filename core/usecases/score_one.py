"""Answer the rows of one request with one version, and record what was answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter

from ..domain.columns import Outputs
from ..domain.model import ModelManifest
from ..domain.traffic import Role
from ..inference.rows import Rows
from .load_model import LoadedModel
from .log_predictions import Answered, PredictionLog


@dataclass(frozen=True, slots=True)
class Answer:
    """What n rows were answered, by the version of `manifest`; `prediction_ids` find the records again."""

    manifest: ModelManifest
    outputs: Outputs
    prediction_ids: list[str]


def score(
    model: LoadedModel,
    rows: Rows,
    log: PredictionLog,
    *,
    request_id: str,
    role: Role = "champion",
    revision: int = 0,
    shadow_of: Sequence[str] = (),
) -> Answer:
    """Answer `rows`; raises Transient if the answer must be recorded first (mode sync) and cannot be.

    `revision` is the route's during a trial, else 0; `shadow_of` are the ids of the answers that this one is beside.
    """
    manifest = model.manifest
    start = perf_counter()
    outputs = model.predictor.predict(rows.columns)
    seconds = perf_counter() - start
    answered = Answered(
        *(manifest.model, manifest.version, manifest.classes, request_id, rows, outputs),
        *(seconds, role, revision, shadow_of),
    )
    return Answer(manifest, outputs, log.record(answered))


def try_score(
    model: LoadedModel,
    rows: Rows,
    log: PredictionLog,
    *,
    request_id: str,
    role: Role,
    revision: int,
    shadow_of: Sequence[str] = (),
) -> Answer | None:
    """As `score`, for a version on trial: what its model fails at is recorded, and None is the answer."""
    manifest = model.manifest
    start = perf_counter()
    try:
        outputs, error = model.predictor.predict(rows.columns), ""
    except Exception as failure:  # noqa: BLE001 - whatever it is counts against the version, and the champion answers
        outputs, error = Outputs(), f"{type(failure).__name__}: {failure}"[:200]
    answered = Answered(
        *(manifest.model, manifest.version, manifest.classes, request_id, rows, outputs),
        *(perf_counter() - start, role, revision, shadow_of, error),
    )
    ids = log.record(answered)
    return None if error else Answer(manifest, outputs, ids)
