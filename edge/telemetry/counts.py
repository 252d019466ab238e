"""How many requests there were, and how long the newest answers took."""

from __future__ import annotations

import time
from collections import deque

REMEMBERED = 1024


class Latencies:
    """Seconds of the newest answers, at most REMEMBERED of them. Safe to share between threads."""

    def __init__(self) -> None:
        self._seconds: deque[float] = deque(maxlen=REMEMBERED)

    def add(self, seconds: float) -> None:
        """One more answer."""
        self._seconds.append(seconds)

    def quantile(self, share: float) -> float | None:
        """Seconds that `share` of the answers did not exceed (nearest rank); None before the first answer.

        >>> latencies = Latencies()
        >>> for seconds in (0.3, 0.1, 0.2): latencies.add(seconds)
        >>> latencies.quantile(0.5)
        0.2
        """
        ordered = sorted(self._seconds)
        return ordered[max(-int(-share * len(ordered) // 1) - 1, 0)] if ordered else None


class Counts:
    """Counts the answers of one release. Safe to share between threads."""

    def __init__(self) -> None:
        self.requests = self.errors = 0
        self.latencies = Latencies()
        self._since = time.monotonic()

    def add(self, seconds: float, *, failed: bool) -> None:
        """One more request for predictions."""
        self.requests += 1
        self.errors += failed
        self.latencies.add(seconds)

    @property
    def uptime(self) -> float:
        """Seconds since the release began to answer."""
        return time.monotonic() - self._since

    def milliseconds(self, share: float) -> float | None:
        """The quantile of the latencies."""
        seconds = self.latencies.quantile(share)
        return None if seconds is None else round(seconds * 1000, 3)
