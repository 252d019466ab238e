"""Answer the rows of several requests with one run of a model, and record each request by itself."""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter

from ..domain.columns import Columns
from ..inference.answers import Answers, encodable
from ..inference.rows import Rows
from .load_model import LoadedModel
from .log_predictions import PredictionLog
from .prediction_records import Answered


def score_together(
    model: LoadedModel, columns: Columns, requests: Sequence[tuple[Rows, str]], log: PredictionLog
) -> list[tuple[str, Answers, list[str]]]:
    """The id of each request, what it is answered, and the prediction ids of its rows; what the model raises is raised.

    `columns` are the arrays of all rows, in their order, `requests` the rows of each and its id.
    """
    manifest, start = model.manifest, perf_counter()
    outputs = model.predictor.predict(columns)
    seconds = perf_counter() - start
    name, version, first, scored = manifest.model, manifest.version, 0, []
    answers = encodable(outputs, manifest.classes)
    for rows, request_id in requests:
        last = first + rows.count
        mine = answers[first:last]
        scored.append((request_id, mine, log.record(Answered(name, version, request_id, rows, mine, seconds))))
        first = last
    return scored
