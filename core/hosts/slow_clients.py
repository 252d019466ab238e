"""Cut off clients that take too long to ask: uvicorn waits for the rest of a request for ever.

A connection that trickles a request, or that is opened and says nothing, costs its sender nothing and the server a
file descriptor ("Slowloris", https://nvd.nist.gov/vuln/detail/CVE-2007-6750).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import Protocol

PATIENCE = 30.0
"""Seconds in which a request must be there whole: as long as the clouds' gateways wait for its answer."""


class Cycle(Protocol):
    """A request and its answer, as uvicorn keeps them."""

    more_body: bool
    response_complete: bool


class Connection(Protocol):
    """A connection, as uvicorn keeps it; its timer runs between an answer and the first byte of the next request."""

    @property
    def cycle(self) -> Cycle | None:
        """The newest request on it."""
        ...

    @property
    def timeout_keep_alive_task(self) -> asyncio.TimerHandle | None:
        """Runs while it is idle."""
        ...

    @property
    def transport(self) -> asyncio.Transport:
        """What can be closed."""
        ...


class SlowClients:
    """Remembers since when each connection owes the rest of a request; `now` is in seconds, monotonic."""

    def __init__(self, patience: float = PATIENCE, now: Callable[[], float] = time.monotonic) -> None:
        self._patience = patience
        self._now = now
        self._waiting: dict[Connection, tuple[Cycle | None, float]] = {}

    def cut_off(self, connections: Iterable[Connection]) -> int:
        """Look at all connections and cut off those that were waited for too long; how many there were."""
        now, waiting, cut = self._now(), {}, 0
        for connection in filter(_owes, connections):
            cycle, since = self._waiting.get(connection, (connection.cycle, now))
            waiting[connection] = connection.cycle, since if cycle is connection.cycle else now
            if now - waiting[connection][1] >= self._patience:
                connection.transport.abort()
                cut += 1
        self._waiting = waiting
        return cut


def _owes(connection: Connection) -> bool:
    """Whether the client is to send something: not while it is answered, nor while it is idle."""
    cycle = connection.cycle
    if cycle is None:
        return True
    return cycle.more_body or (cycle.response_complete and connection.timeout_keep_alive_task is None)
