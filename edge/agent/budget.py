"""What a device may send and fetch: so many bytes a day, and so many a second.

The day's budget is a bucket that fills up steadily and holds a day's worth at most. A clock that jumps ahead fills it
once, and one that jumps back fills nothing: no wrong time of day gives more than one day's worth.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from core.domain.canonical import canonical_json
from core.errors import NotFound, TidemillError, Transient

from . import files
from .clock import Clock

BUDGET = "budget.json"
MOST = 4096
DAY = 86400.0
KEPT_EACH = 256 * 1024
"""Bytes after which what was spent is written down."""


class Budget:
    """How many bytes may go over the network. For one process at a time."""

    def __init__(self, root: Path, daily: int | None, clock: Clock) -> None:
        self._path = root / BUDGET
        self._daily = daily
        self._clock = clock
        self._left, self._at = self._read()
        self._loose = 0

    @property
    def left(self) -> float:
        """Bytes that may still be spent now."""
        if self._daily is None:
            return float("inf")
        now = self._clock.wall()
        fresh = max(0.0, min(now - self._at, DAY)) / DAY * self._daily
        self._left, self._at = min(self._left + fresh, self._daily), now
        return self._left

    def check(self) -> None:
        """Raises Transient if nothing is left."""
        if self.left <= 0:
            raise Transient(f"the budget of {self._daily:,} bytes a day is spent: more tomorrow.")

    def spend(self, size: int) -> None:
        """Count bytes that went over the network."""
        if self._daily is None:
            return
        self._left = self.left - size
        self._loose += size
        if self._loose >= KEPT_EACH:
            self.keep()

    def keep(self) -> None:
        """Write down what is left."""
        if self._daily is not None:
            self._loose = 0
            files.replace(self._path, canonical_json({"at": self._at, "left": self._left}))

    def _read(self) -> tuple[float, float]:
        """A budget that cannot be read is a full one."""
        try:
            found = json.loads(files.read(self._path, MOST))
            return float(found["left"]), float(found["at"])
        except (NotFound, ValueError, KeyError, TypeError):
            return float(self._daily or 0), self._clock.wall()
        except TidemillError:
            return 0.0, self._clock.wall()


class Pace:
    """Keeps what passes through below `rate` bytes a second, on the average since it began."""

    def __init__(self, rate: int | None, clock: Clock) -> None:
        self._rate = rate
        self._clock = clock
        self._since = clock.monotonic()
        self._passed = 0

    def through(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """The same chunks, each as soon as it may pass."""
        for chunk in chunks:
            self.passed(len(chunk))
            yield chunk

    def passed(self, size: int) -> None:
        """Wait until `size` more bytes are within the rate."""
        if self._rate is None:
            return
        self._passed += size
        early = self._since + self._passed / self._rate - self._clock.monotonic()
        if early > 0:
            self._clock.sleep(early)
        elif early < -1:
            self._since, self._passed = self._clock.monotonic(), 0
