"""How long a run may go on: no part is begun that may not be finished before the host ends the process."""

from __future__ import annotations

import math
from collections.abc import Callable

from ..errors import Transient

SecondsLeft = Callable[[], float]
"""Seconds until the host ends this process; infinity where none does."""

MARGIN = 15.0
"""Seconds that are kept for what comes behind the last part."""

PARTS_UNDER_WAY = 3
"""Being read, being answered, being written."""


def unlimited() -> float:
    """No host ends this process."""
    return math.inf


class OutOfTime(Exception):
    """No further part shall be begun."""


class TooLittleTime(Transient):
    """Not even one part could be finished in the time that the host gives."""


class TimeBox:
    """Tells when to stop; by the time that is left it also sees how long a part takes."""

    def __init__(self, seconds_left: SecondsLeft) -> None:
        self._seconds_left = seconds_left
        self._last = seconds_left()
        self._longest = 0.0

    def has_time(self, _part: int) -> bool:
        """True; raises OutOfTime if a part that is begun now may not be finished."""
        left = self._seconds_left()
        if math.isinf(left):
            return True
        self._longest = max(self._longest, self._last - left)
        self._last = left
        if left < MARGIN + PARTS_UNDER_WAY * self._longest:
            raise OutOfTime
        return True
