"""Answer the rows of one request with one version, and record what was answered."""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter

import msgspec

from ..domain.columns import Outputs
from ..domain.model import ModelManifest
from ..domain.traffic import Role
from ..inference.answers import Answers, encodable
from ..inference.rows import Rows
from .load_model import LoadedModel
from .log_predictions import PredictionLog
from .prediction_records import Answered

LONGEST = 200
"""Characters of a failure that are recorded."""


class Answer(msgspec.Struct, frozen=True):
    """What n rows were answered, by the version of `manifest`: as arrays, and one by one.

    `prediction_ids` find the records again.
    """

    manifest: ModelManifest
    outputs: Outputs
    answers: Answers
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
    manifest = model.manifest
    name, version, start = manifest.model, manifest.version, perf_counter()
    try:
        outputs = model.predictor.predict(rows.columns)
    except Exception as error:
        seconds, told = perf_counter() - start, f"{type(error).__name__}: {error}"[:LONGEST]
        log.record(Answered(name, version, request_id, rows, (), seconds, role, revision, shadow_of, told))
        raise
    seconds = perf_counter() - start
    answers = encodable(outputs, manifest.classes)
    ids = log.record(Answered(name, version, request_id, rows, answers, seconds, role, revision, shadow_of))
    return Answer(manifest, outputs, answers, ids)
