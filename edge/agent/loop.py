"""When a device looks for what is new, and how it looks after what it has: for weeks without a network, for years."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple, Protocol

from core.errors import TidemillError

from .clock import Clock
from .config import Device
from .trial import TrialWatch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..telemetry.health import Health

log = logging.getLogger(__name__)

TICK = 1.0
FIRST = 300.0
"""Seconds within which devices that were switched on together ask for the first time."""
BASE = 60.0
LONGEST = 4 * 3600.0
"""Seconds between two attempts at the most, after many that failed, unless the device asks less often anyway."""
SPREAD = 0.2
"""How much earlier or later than the poll interval a device asks, as a share of it."""


class Done(NamedTuple):
    """How a look at what is new ended. `retry_after` is in seconds, as the server asked."""

    ok: bool
    retry_after: float = 0.0


class Sync(Protocol):
    """A look at what is new, beside what the device does meanwhile."""

    def start(self) -> None:
        """Begin."""
        ...

    def poll(self) -> Done | None:
        """How it ended, once; None while it lasts."""
        ...

    def stop(self) -> None:
        """End it, if it lasts: it can be ended anywhere."""
        ...


class Serves(Protocol):
    """What answers on this device."""

    @property
    def failed(self) -> Mapping[str, str]:
        """Releases that could not be loaded, with the reason."""
        ...

    def health(self) -> Health | None:
        """How well the release that answers does; None while none does."""
        ...


class Loop:
    """The agent beside the server. For one thread; `random` gives numbers from 0 to 1, evenly."""

    def __init__(
        self,
        device: Device,
        watch: TrialWatch,
        serves: Serves,
        sync: Sync,
        clock: Clock,
        random: Callable[[], float],
    ) -> None:
        self._device = device
        self._watch = watch
        self._serves = serves
        self._sync = sync
        self._clock = clock
        self._random = random
        self._failures = 0
        self._running = False
        self._next = clock.monotonic() + random() * min(FIRST, device.poll_seconds)

    def step(self) -> float:
        """Do what is due; seconds until there may be more to do."""
        try:
            self._watch.look(self._serves.health(), self._serves.failed)
        except (TidemillError, OSError) as error:  # such as a full disk: what answers goes on, and the next look may do
            log.warning("the release cannot be looked after: %s", error)
        if self._running:
            self._finish(self._sync.poll())
        elif self._device.is_connected and self._clock.monotonic() >= self._next:
            self._begin()
        return TICK

    def _begin(self) -> None:
        try:
            self._sync.start()
        except OSError as error:  # such as no memory for another process
            log.warning("the update cannot be started: %s", error)
            return self._finish(Done(ok=False))
        self._running = True
        return self._finish(self._sync.poll())

    def close(self) -> None:
        """The process comes to an orderly end."""
        self._sync.stop()
        self._watch.close(self._serves.health())

    @property
    def next_look(self) -> float:
        """When the next look begins, by the monotonic clock."""
        return self._next

    def _finish(self, done: Done | None) -> None:
        if done is None:
            return
        self._running = False
        self._failures = 0 if done.ok else self._failures + 1
        self._next = self._clock.monotonic() + self._pause(done)

    def _pause(self, done: Done) -> float:
        """The poll interval, give or take; after failures ever longer, and anywhere in that time.

        That is "full jitter": devices that lost the server together do not come back together.
        https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
        """
        if done.ok:
            return self._device.poll_seconds * (1 + SPREAD * (2 * self._random() - 1))
        longest = max(LONGEST, self._device.poll_seconds)
        window = min(BASE * 2.0 ** min(self._failures, 30), longest)
        return max(TICK, done.retry_after + self._random() * window)
