"""Windows of time: days, weeks from Monday, or calendar months, in UTC."""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

WindowUnit: TypeAlias = Literal["day", "week", "month"]
Times: TypeAlias = NDArray[np.datetime64]

MOST = 62
"""The most windows that a span is cut into, where the spec does not say."""

_MONDAY = np.datetime64("1970-01-05", "D")
_DAYS: dict[WindowUnit, int] = {"day": 1, "week": 7, "month": 31}


def unit_of(first: np.datetime64, last: np.datetime64) -> WindowUnit:
    """Days if the span has at most 62 of them, else weeks if it has as few of those, else months.

    >>> unit_of(np.datetime64("2026-01-01"), np.datetime64("2026-02-01"))
    'day'
    >>> unit_of(np.datetime64("2026-01-01"), np.datetime64("2026-12-01"))
    'week'
    """
    days = int((_days(last) - _days(first)) / np.timedelta64(1, "D")) + 1
    units: tuple[WindowUnit, ...] = ("day", "week")
    return next((unit for unit in units if days <= MOST * _DAYS[unit]), "month")


def starts_of(times: Times, unit: WindowUnit) -> Times:
    """When the window of each time [n] starts, datetime64[D].

    >>> starts_of(np.array(["2026-11-24T12:00"], "M8[us]"), "week")
    array(['2026-11-23'], dtype='datetime64[D]')
    """
    if unit == "month":
        return times.astype("M8[M]").astype("M8[D]")
    days: Times = _days(times)
    if unit == "day":
        return days
    since = (days - _MONDAY).astype(np.int64)
    return _MONDAY + (since // 7 * 7).astype("m8[D]")


def end_of(start: np.datetime64, unit: WindowUnit) -> np.datetime64:
    """When the window that starts there ends, and the next one starts."""
    if unit == "month":
        return np.datetime64((start.astype("M8[M]") + 1).astype("M8[D]"))
    return start + np.timedelta64(_DAYS[unit], "D")


def _days(times: Times | np.datetime64) -> Times:
    days: Times = np.asarray(times).astype("M8[D]")
    return days
