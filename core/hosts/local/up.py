"""`tidemill up`: a store as a cloud on this machine, until it is told to stop.

One thread tends to events and schedules, one runs jobs, one serves requests; a watcher wakes the first.
"""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from watchfiles import watch

from functions.realtime_inference.handler import service

from ...declaration import declarations
from ...errors import TidemillError
from ...layout import ZONES
from ...runtime import Runtime
from ...settings import ZONE, Settings
from ..asgi import App, Server
from ..exposure import check_exposure
from .events import fire_schedules
from .host import LocalHost, Tally
from .queue import Queue
from .site import WithSite

SETTLE = timedelta(seconds=1)
NAP = 0.5
RESCAN_WATCHED, RESCAN_UNWATCHED = 30.0, 2.0
"""Seconds between two listings: a safety net where a watcher tells of changes, the only way where none can."""

log = logging.getLogger("tidemill")


def endpoint(runtime: Runtime, host: str, port: int) -> Server:
    """The realtime endpoint on a port of this machine; 0 is any free one.

    Raises Refused for an address that others can reach while nothing says who may ask.
    """
    check_exposure(host, runtime.settings.access)
    app = App(service(runtime))
    return Server(WithSite(app, runtime.store("reports")) if has_site(runtime) else app, host, port)


def has_site(runtime: Runtime) -> bool:
    """Whether the pages are shown beside the endpoint: not where one has to say who asks, which a browser cannot."""
    return not set(runtime.settings.access.modes) - {"none"}


def run_up(runtime: Runtime, queue: Queue, host: str, port: int, ready: Callable[[Server], None]) -> None:
    """Run until SIGINT or SIGTERM. `ready` is called once the endpoint answers."""
    local = LocalHost(runtime, queue, SETTLE)
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: local.stopping.set())
    with endpoint(runtime, host, port) as server, tending(local):
        ready(server)
        while not local.stopping.wait(NAP):
            pass


@contextmanager
def tending(local: LocalHost) -> Iterator[None]:
    """Events, schedules and jobs are tended to by threads inside of the `with` block."""
    roots = _watched(local.runtime.settings)
    wake = threading.Event()
    tasks = [lambda: _tend(local, wake, watched=bool(roots)), lambda: _run_jobs(local)]
    if roots:
        tasks.append(lambda: _watch(roots, wake, local.stopping))
    threads = [threading.Thread(target=task, name=f"tidemill-{index}") for index, task in enumerate(tasks)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        local.stopping.set()
        for thread in threads:
            thread.join()


def _watched(settings: Settings) -> list[Path]:
    """The folders of a local store's zones, which a watcher can watch once they are there."""
    if not settings.store.startswith("file://"):
        return []
    roots = [Path(settings.store.removeprefix("file://").replace(ZONE, zone)) for zone in ZONES]
    for root in roots:
        root.mkdir(parents=True, exist_ok=True)
    return roots


def _watch(roots: list[Path], wake: threading.Event, stopping: threading.Event) -> None:
    for _changes in watch(*roots, stop_event=stopping, debounce=200, rust_timeout=500, raise_interrupt=False):
        wake.set()


def _tend(local: LocalHost, wake: threading.Event, *, watched: bool) -> None:
    names = [declared.name for declared in declarations().values() if declared.kind == "event"]
    rescan = RESCAN_WATCHED if watched else RESCAN_UNWATCHED
    next_scan = time.monotonic()
    while not local.stopping.is_set():
        tally = Tally()
        try:
            fire_schedules(local.runtime, local.queue, local.runtime.settings.specs)
            if wake.is_set() or local.scanner.waiting or time.monotonic() >= next_scan:
                wake.clear()
                local.scanner.scan()
                next_scan = time.monotonic() + rescan
            local.run_due(names, tally)
        except TidemillError as error:
            log.warning("the store cannot be looked at: %s", error)
        if tally.handled:
            next_scan = time.monotonic()
        else:
            wake.wait(NAP)


def _run_jobs(local: LocalHost) -> None:
    names = [declared.name for declared in declarations().values() if declared.kind == "job"]
    while not local.stopping.wait(NAP):
        local.run_due(names, Tally())
