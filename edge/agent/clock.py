"""Time, as the agent needs it. The time of day may be wrong by years: it is told, and never decided by."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Seconds."""

    def monotonic(self) -> float:
        """Never goes back; where it starts says nothing."""
        ...

    def wall(self) -> float:
        """Since 1970 in UTC, as far as the device knows."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


class SystemClock:
    """The device's own."""

    def monotonic(self) -> float:
        """Since some moment before."""
        return time.monotonic()

    def wall(self) -> float:
        """Since 1970, as the device believes."""
        return time.time()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)
