"""Do the next thing while this one is worked on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from queue import Empty, Full, Queue
from threading import Event, Thread
from typing import Generic, TypeVar

T = TypeVar("T")

_LOOK = 0.1
"""Seconds between two looks at whether anybody still waits."""


@contextmanager
def read_ahead(items: Iterator[T], depth: int) -> Iterator[Iterator[T]]:
    """The same items, of which a thread fetches up to `depth` before they are asked for.

    What `items` raises is raised in its place. The thread has ended when the `with` is left.
    """
    ahead = _Ahead(items, depth)
    thread = Thread(target=ahead.fill, name="read-ahead", daemon=True)
    thread.start()
    try:
        yield ahead.take()
    finally:
        ahead.left.set()
        thread.join()


class _End:
    """Behind the last item: what was raised, if anything."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


class _Ahead(Generic[T]):
    def __init__(self, items: Iterator[T], depth: int) -> None:
        self.left = Event()
        self._items = items
        self._queue: Queue[T | _End] = Queue(depth)

    def fill(self) -> None:
        """Fetch until the end, or until nobody waits any more."""
        end = _End(None)
        try:
            for item in self._items:
                if not self._put(item):
                    return
        except BaseException as error:  # noqa: BLE001 - it is raised where the items are taken
            end = _End(error)
        self._put(end)

    def take(self) -> Iterator[T]:
        """Give what was fetched, in order."""
        while True:
            try:
                item = self._queue.get(timeout=_LOOK)
            except Empty:
                continue
            if isinstance(item, _End):
                if item.error is not None:
                    raise item.error
                return
            yield item

    def _put(self, item: T | _End) -> bool:
        while not self.left.is_set():
            try:
                self._queue.put(item, timeout=_LOOK)
            except Full:
                continue
            return True
        return False
