"""One object of a prediction log while it is made: rows are numbered as they come, and encoded some at a time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

import msgspec

from .. import layout
from ..domain.prediction import realtime_prefix
from ..domain.traffic import point
from .prediction_records import Answered, Record, records_of

LOT, LOT_ROWS = 100, 256
"""Requests, and rows, that are encoded at once: a row costs a third of what it costs alone. More requests that wait
cost more than they save, since they do not stay in the processor's cache; for more rows, one waits over 0.6 ms."""

_ENCODER = msgspec.json.Encoder()


def is_sampled(prediction_id: str, share: float) -> bool:
    """Whether a log of `share` (0 to 1) of all predictions has this one; of a shadow, ask for the one it is beside."""
    return share >= 1 or point("sample", prediction_id) < share


class Page(msgspec.Struct):
    """The answers of one model on one day, in the order of their rows; `share` of them are kept."""

    model: str
    day: date
    key: str
    prefix: str
    opened: datetime
    share: float
    count: int = 0
    _waiting: list[tuple[Answered, Sequence[str], datetime]] = []
    _encoded: int = 0
    _lots: list[bytes] = []

    @classmethod
    def open(cls, model: str, name: str, now: datetime, share: float) -> Page:
        """An empty page of that name."""
        day = now.date().isoformat()
        key, prefix = layout.realtime_log(model, day, name), realtime_prefix(model, day, name)
        return cls(model, now.date(), key, prefix, now, share)

    def number(self, rows: int) -> list[str]:
        """Ids of the next `rows`."""
        first = self.count
        self.count += rows
        return list(map(self.prefix.__add__, map(str, range(first, self.count))))

    def add(self, answered: Answered, at: datetime) -> list[str]:
        """Keep what was answered, but for its arrays, which are many and are not recorded; ids of its rows."""
        ids = self.number(answered.rows.count)
        answered.rows = answered.rows.as_recorded()
        self._waiting.append((answered, ids, at))
        if len(self._waiting) >= LOT or self.count - self._encoded >= LOT_ROWS:
            self.encode()
        return ids

    def data(self) -> bytes:
        """The lines of all that was added."""
        self.encode()
        return b"".join(self._lots)

    def encode(self) -> None:
        """Make lines of what was added since the last time."""
        if not self._waiting:
            return
        records = [record for answered, ids, at in self._waiting for record in records_of(answered, ids, at)]
        if self.share < 1:
            records = [record for record in records if is_sampled(_asked_for(record), self.share)]
        self._lots.append(_ENCODER.encode_lines(records))
        self._waiting, self._encoded = [], self.count


def _asked_for(record: Record) -> str:
    """The id that the client was given."""
    return record.prediction_id if isinstance(record.shadow_of, msgspec.UnsetType) else record.shadow_of
