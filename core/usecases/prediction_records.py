"""The lines of a prediction log: one record a row that was answered, JSON, read back by `core.tables.predictions`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from ..domain.traffic import Role
from ..inference.answers import Answers, Classified, Predicted
from ..inference.rows import Rows


class Answered(msgspec.Struct):
    """One request that was answered: n rows, by one version.

    `seconds` is what the model's run took, for these rows and those that were answered with them. `revision` is the
    route's during a trial, else 0. `shadow_of` are the ids of the answers that were given, where this one was not. With
    an `error` there are no answers.
    """

    model: str
    version: str
    request_id: str
    rows: Rows
    answers: Answers
    seconds: float = 0.0
    role: Role = "champion"
    revision: int = 0
    shadow_of: Sequence[str] = ()
    error: str = ""


class Record(msgspec.Struct, gc=False):
    """One line; its fields are called as in `domain.prediction`, and those that are not set are left out.

    The features are a struct with a field each; so are the probabilities, with one a class.
    """

    prediction_id: str
    answered_at: str
    model_version: str
    request_id: str
    role: Role
    latency_ms: float
    features: msgspec.Struct
    label: str | UnsetType = UNSET
    probabilities: msgspec.Struct | UnsetType = UNSET
    prediction: float | UnsetType = UNSET
    id: str | UnsetType | None = UNSET
    time: str | UnsetType | None = UNSET
    sensitive: dict[str, Any] | UnsetType = UNSET
    revision: int | UnsetType = UNSET
    shadow_of: str | UnsetType = UNSET
    error: str | UnsetType = UNSET


def records_of(answered: Answered, ids: Sequence[str], at: datetime) -> list[Record]:
    """The records of one request, whose rows have these `ids` and were answered `at`."""
    rows, moment, latency = answered.rows, moment_of(at), round(answered.seconds * 1000, 3)
    version, request_id, role = answered.version, answered.request_id, answered.role
    records = [
        Record(each, moment, version, request_id, role, latency, features)
        for each, features in zip(ids, rows.features, strict=True)
    ]
    if not answered.error:
        _tell_answers(records, answered.answers)
    if rows.ids is not None or rows.times is not None or rows.sensitive is not None:
        _tell_beside(records, rows)
    if answered.revision or answered.shadow_of or answered.error:
        _tell_trial(records, answered)
    return records


def moment_of(at: datetime) -> str:
    """What `isoformat` gives for a time in UTC, at a seventh of its cost.

    >>> from datetime import UTC
    >>> moment_of(datetime(2026, 11, 24, 12, 0, 0, 500, UTC))
    '2026-11-24T12:00:00.000500+00:00'
    """
    written: str = msgspec.to_builtins(at)
    return written.replace("Z", "+00:00")


def _tell_answers(records: Iterable[Record], answers: Iterable[Classified | Predicted]) -> None:
    for record, answer in zip(records, answers, strict=True):
        if isinstance(answer, Classified):
            record.label, record.probabilities = answer.label, answer.probabilities
        else:
            record.prediction = answer.prediction


def _tell_beside(records: Sequence[Record], rows: Rows) -> None:
    for number, record in enumerate(records):
        if rows.ids is not None:
            record.id = rows.ids[number]
        if rows.times is not None:
            record.time = rows.times[number]
        if rows.sensitive is not None:
            record.sensitive = {name: values[number] for name, values in rows.sensitive.items()}


def _tell_trial(records: Sequence[Record], answered: Answered) -> None:
    for number, record in enumerate(records):
        record.revision = answered.revision or UNSET
        record.error = answered.error or UNSET
        if answered.shadow_of:
            record.shadow_of = answered.shadow_of[number]
