"""What is recorded of each answer, and the id that finds it again.

A prediction id names the object that holds the record, so that lineage needs no index:
`<model>.r.<day>.<log name>.<row>` for realtime and `<model>.b.<run>.<part>.<row>` for batch.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from .. import layout
from ..errors import BadInput

PREDICTION_ID = "prediction_id"
ANSWERED_AT = "answered_at"
MODEL_VERSION = "model_version"
LABEL = "label"
PREDICTION = "prediction"
PROBABILITY_PREFIX = "probability_"
ROLE = "role"
REVISION = "revision"
LATENCY_MS = "latency_ms"
SHADOW_OF = "shadow_of"
ERROR = "error"
"""Beside the answer in a realtime record: as what the version answered, under which revision of the route (during a
trial alone), how long the model took for the request, the id of the answer that a shadow stands beside, and what went
wrong where there is no answer."""
RESERVED = (PREDICTION_ID, ANSWERED_AT, MODEL_VERSION, LABEL, PREDICTION)
"""Column names that no feature may have: they stand beside the features in what is recorded."""


def probability_column(label: str) -> str:
    """The column that holds the probability of one class."""
    return PROBABILITY_PREFIX + label


def realtime_prefix(model: str, day: str, log: str) -> str:
    """How the ids of a realtime log begin; the number of the row (from 0) follows."""
    return f"{model}.r.{day}.{log}."


def realtime_id(model: str, day: str, log: str, row: int) -> str:
    """Id of row `row` (from 0) of a realtime log.

    >>> realtime_id("m", "2026-11-24", "0f3a-1", 7)
    'm.r.2026-11-24.0f3a-1.7'
    """
    return f"{realtime_prefix(model, day, log)}{row}"


def batch_id(model: str, run: str, part: int, row: int) -> str:
    """Id of row `row` (from 0) of part `part` of a batch run."""
    return f"{model}.b.{run}.{part}.{row}"


class Place(NamedTuple):
    """Where a prediction is recorded: the object's key in the predictions zone, and its row from 0.

    A log that is a sample has the ids of its rows, and gaps between them: find the id, not the line.
    `run` is the batch run that answered it, or None for realtime.
    """

    model: str
    key: str
    row: int
    run: str | None = None


_REALTIME = rf"({layout.MODEL_NAME.pattern})\.r\.([0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}})\.([^/]+)\.([0-9]{{1,9}})"
_BATCH = rf"({layout.MODEL_NAME.pattern})\.b\.([^/]+)\.([0-9]{{1,9}})\.([0-9]{{1,9}})"


def place_of(prediction_id: str) -> Place:
    """Where a prediction is recorded; raises BadInput if this is no prediction id."""
    if match := re.fullmatch(_REALTIME, prediction_id):
        model, day, log, row = match.groups()
        return Place(model, layout.realtime_log(model, day, log), int(row))
    if match := re.fullmatch(_BATCH, prediction_id):
        model, run, part, row = match.groups()
        return Place(model, layout.batch_part(model, run, int(part)), int(row), run)
    raise BadInput(f"{prediction_id[:200]!r} is no prediction id.")
