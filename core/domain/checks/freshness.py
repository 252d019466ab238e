"""Whether a dataset is about what happens now: the age of its newest row when it arrived."""

from __future__ import annotations

from datetime import datetime, timedelta

from ..duration import format_duration
from .check import Check


def freshness_check(column: str, newest: datetime | None, arrived: datetime, limit: timedelta) -> Check:
    """The check of the newest time against the limit; a dataset without any time is not fresh.

    >>> from datetime import timezone
    >>> day = datetime(2026, 5, 4, tzinfo=timezone.utc)
    >>> freshness_check("at", day - timedelta(days=3), day, timedelta(days=2)).detail
    'the newest at was 3d old when it arrived, 2d are allowed'
    """
    if newest is None:
        return Check("freshness", column, "error", passed=False, detail=f"no row has a {column}")
    age = max(arrived - newest, timedelta())
    told = f"the newest {column} was {_rounded(age)} old when it arrived, {format_duration(limit)} are allowed"
    return Check("freshness", column, "error", age <= limit, told)


def _rounded(age: timedelta) -> str:
    """In the largest unit of which there are two or more."""
    for unit in (timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)):
        if age >= 2 * unit:
            return format_duration(unit * (age // unit))
    return format_duration(timedelta(seconds=age // timedelta(seconds=1)))
