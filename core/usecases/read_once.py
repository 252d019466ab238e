"""Objects that never change, read once by a process: what decides on every dataset would else read them all again."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from weakref import WeakKeyDictionary

from ..ports import Reads

ROOM = 32 << 20
"""Bytes that are remembered of one store; what was asked for least recently goes first."""


class _Memory:
    """What has been read of one store."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, bytes] = OrderedDict()
        self._size = 0
        self._lock = Lock()

    def recall(self, key: str) -> bytes | None:
        with self._lock:
            if key in self._known:
                self._known.move_to_end(key)
            return self._known.get(key)

    def keep(self, key: str, data: bytes) -> None:
        with self._lock:
            self._size += len(data) - len(self._known.pop(key, b""))
            self._known[key] = data
            while self._size > ROOM:
                self._size -= len(self._known.popitem(last=False)[1])


_memories: WeakKeyDictionary[Reads, _Memory] = WeakKeyDictionary()


def read_once(store: Reads, key: str) -> bytes:
    """The content of an object that is created once and never replaced. Raises what `store.get` raises."""
    memory = _memories.setdefault(store, _Memory())
    data = memory.recall(key)
    if data is None:
        data = store.get(key).data
        memory.keep(key, data)
    return data
