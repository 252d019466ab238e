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

LONGEST = 200
"""Characters of a failure that are recorded."""


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
    What the model raises is recorded too, and raised.
    """
    manifest, outputs, failure = model.manifest, Outputs(), None
    start = perf_counter()
    try:
        outputs = model.predictor.predict(rows.columns)
    except Exception as error:  # noqa: BLE001 - raised below, once it is recorded
        failure = error
    seconds = perf_counter() - start
    told = "" if failure is None else f"{type(failure).__name__}: {failure}"[:LONGEST]
    answered = Answered(
        *(manifest.model, manifest.version, manifest.classes, request_id, rows, outputs),
        *(seconds, role, revision, shadow_of, told),
    )
    ids = log.record(answered)
    if failure is not None:
        raise failure
    return Answer(manifest, outputs, ids)
