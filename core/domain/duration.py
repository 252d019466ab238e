"""Durations as people write them: 90s, 15m, 1h, 7d, 2w."""

from __future__ import annotations

import re
from datetime import timedelta

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def parse_duration(text: object) -> timedelta:
    """A duration such as 90s, 15m, 1h, 7d or 2w.

    >>> parse_duration("7d").days
    7
    """
    if isinstance(text, timedelta):
        return text
    match = re.fullmatch(r"(\d+)([smhdw])", str(text))
    if not match:
        raise ValueError("must be a whole number with a unit, such as 90s, 15m, 1h, 7d or 2w")
    try:
        return timedelta(**{_UNITS[match[2]]: int(match[1])})
    except OverflowError:
        raise ValueError("is longer than time itself; use a shorter duration") from None


def format_duration(duration: timedelta) -> str:
    """The inverse of `parse_duration`, in the largest unit that is exact.

    >>> format_duration(timedelta(hours=48))
    '2d'
    """
    seconds = int(duration.total_seconds())
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds and seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"
