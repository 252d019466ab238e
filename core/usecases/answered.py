"""Everything that a model has answered, unit by unit: a realtime log, or a finished batch run."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from .. import layout
from ..domain.batch import Success
from ..domain.drift.report import Span
from ..domain.model import ModelManifest
from ..ports import Reads, ReadsLists
from ..tables.predictions import Answered, Times, read_answered


def units(predictions: ReadsLists, model: str) -> Iterator[str]:
    """The key of each log, and of each batch run's `_SUCCESS`: a run counts once it has finished."""
    for info in predictions.list(layout.realtime_logs(model)):
        yield info.key
    for info in predictions.list(layout.batches(model)):
        if layout.is_batch_success(info.key):
            yield info.key


def recent_units(predictions: ReadsLists, manifest: ModelManifest, history: timedelta) -> list[str]:
    """The units of the last `history` before the newest answer, by the day of answering.

    Batch runs of other versions are left out; a log may hold answers of several.
    """
    days = {unit: day for unit in units(predictions, manifest.model) if (day := _day(predictions, unit, manifest))}
    if not days:
        return []
    oldest = max(days.values()) - history
    return [unit for unit, day in days.items() if day >= oldest]


def _day(predictions: Reads, unit: str, manifest: ModelManifest) -> date | None:
    if not layout.is_batch_success(unit):
        return date.fromisoformat(layout.day_of_log(unit))
    run = Success.decode(predictions.get(unit).data)
    return datetime.fromisoformat(run.answered_at).date() if run.version == manifest.version else None


def rows_of(predictions: Reads, unit: str, manifest: ModelManifest, span: Span) -> Iterator[Answered]:
    """The rows of a unit that the version of `manifest` answered, in the window alone if one was asked for."""
    for key in _objects(predictions, unit, manifest):
        for answered in read_answered(predictions, key, manifest):
            yield within(answered, span) if span.asked else answered


def times_of(rows: Answered, span: Span) -> Times:
    """The times that windows are of, [n]; NaT for a row that has none."""
    if span.by == "answered":
        return rows.answered_at
    assert rows.times is not None
    return rows.times


def _objects(predictions: Reads, unit: str, manifest: ModelManifest) -> Iterator[str]:
    if not layout.is_batch_success(unit):
        yield unit
        return
    run = Success.decode(predictions.get(unit).data)
    if run.version == manifest.version:
        yield from (layout.batch(run.model, run.run) + part.key for part in run.parts)


def within(rows: Answered, span: Span) -> Answered:
    """The rows that are in a window; a row without a time is in none."""
    return rows.take(_inside(rows, span))


def _inside(rows: Answered, span: Span) -> NDArray[np.bool_]:
    times = times_of(rows, span)
    inside = ~np.isnat(times)
    if span.since is not None:
        inside &= times >= _moment(span.since)
    if span.until is not None:
        inside &= times < _moment(span.until)
    return inside


def _moment(time: datetime) -> np.datetime64:
    return np.datetime64(time.astimezone(UTC).replace(tzinfo=None), "us")
