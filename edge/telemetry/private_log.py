"""The prediction log of a device: what its release does not let out never reaches the disk.

A record has the columns that the release's `privacy.logged` names, less the sensitive ones; what was not declared is
thrown away before, as everywhere. A failure is told by its kind alone, since a library may put values into its text.
"""

from __future__ import annotations

import dataclasses
import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from msgspec.structs import astuple, replace

from core.domain.schema import Schema
from core.errors import Transient
from core.inference.row_types import features_type
from core.inference.rows import Rows
from core.ports import ObjectInfo
from core.usecases.log_predictions import LogMode, PredictionLog
from core.usecases.prediction_records import Answered

from .origin import Origin

if TYPE_CHECKING:
    from .ring import Ring

AGE = 60.0
"""Seconds that answers wait in memory at most, in mode buffered; each page of them is synced to the disk once."""

log = logging.getLogger(__name__)


class PrivateLog(PredictionLog):
    """Writes to a ring what answers of one release may be recorded. `seen` is told of all, before.

    `ring` gives the ring when there is something to write: the first answer waits for no disk.

    The age of what waits is monotonic: the time of day of a device may jump by years.
    """

    def __init__(
        self,
        ring: Callable[[], Ring],
        origin: Origin,
        schema: Schema,
        logged: frozenset[str],
        seen: Callable[[Answered], None],
        *,
        mode: LogMode = "buffered",
        share: float = 1.0,
        max_age: float = AGE,
    ) -> None:
        pages = _Pages(ring, origin, must=mode == "sync")
        super().__init__(pages, _TimeOfDay(), mode=mode, share=share, max_age=timedelta(seconds=max_age))
        self._veil = Veil(schema, logged)
        self.shown = self._veil.shown
        """Columns that may be recorded."""
        self._seen = seen
        self._seconds, self._flushed = max_age, time.monotonic()

    def record(self, answered: Answered) -> list[str]:
        """Ids of the rows; raises Transient if they must be stored first (mode sync) and cannot be."""
        self._seen(answered)
        return super().record(self._veil.over(answered))

    def flush(self, *, due_only: bool = False) -> None:
        """Write every page, or all of them when the oldest may be old enough."""
        now = time.monotonic()
        if not due_only or now - self._flushed >= self._seconds:
            self._flushed = now
            super().flush()
        else:
            super().flush(due_only=True)


class Veil:
    """Takes from what was answered all columns but those that may be recorded."""

    def __init__(self, schema: Schema, logged: frozenset[str]) -> None:
        self._schema = schema
        self.shown = logged - set(schema.sensitive)
        """Columns that may be recorded."""
        self._places = [place for place, name in enumerate(schema.feature_names) if name in self.shown]
        kept = tuple(feature for feature in schema.features if feature.name in self.shown)
        whole = len(kept) == len(schema.features)
        self._features = None if whole else features_type(dataclasses.replace(schema, features=kept))

    def over(self, answered: Answered) -> Answered:
        """The same answer, of which no more is told."""
        error = answered.error.partition(":")[0]
        return replace(answered, rows=self._rows(answered.rows), error=error)

    def _rows(self, rows: Rows) -> Rows:
        ids = rows.ids if self._schema.id in self.shown else None
        times = rows.times if self._schema.time in self.shown else None
        features = rows.features
        if self._features is not None:
            made, places = self._features, self._places
            features = [made(*map(astuple(row).__getitem__, places)) for row in features]
        return replace(rows, ids=ids, times=times, sensitive=None, features=features)


class _Pages:
    """The ring, as a prediction log writes to it: what cannot be written is given up, unless it `must` be there."""

    def __init__(self, ring: Callable[[], Ring], origin: Origin, *, must: bool) -> None:
        self._ring, self._origin, self._must = ring, origin, must

    def create(self, key: str, data: bytes) -> ObjectInfo:
        """Add the lines of a page; its key is not needed, since every record tells its id."""
        try:
            self._ring().add(self._origin, data)
        except Transient:
            if self._must:
                raise
            log.exception("%d records are lost", data.count(b"\n"))
        return ObjectInfo(key, len(data), "", datetime.now(UTC))


class _TimeOfDay:
    """The device's clock, right or wrong: what is told by it is told, and nothing is decided."""

    def now(self) -> datetime:
        return datetime.now(UTC)
