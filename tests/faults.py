"""Stores that misbehave on purpose, or that tell what was asked of them."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from core.ports import Blob, ObjectInfo, ObjectStore

Verb = Literal[
    "head", "get", "get_range", "get_if_changed", "stream", "list", "create", "replace", "put", "put_stream", "delete"
]


class Died(BaseException):
    """The process was killed here. No `except Exception` may survive it."""


@dataclass
class Counter:
    """Writes seen so far by every FailingStore that shares it; `verbs` tells which, in order."""

    writes: int = 0
    dead: bool = False
    verbs: list[tuple[Verb, str]] = field(default_factory=list)
    lock: threading.RLock = field(default_factory=threading.RLock)


class _Wrapper:
    """Passes every verb on through `_call`."""

    def __init__(self, inner: ObjectStore) -> None:
        self.inner = inner

    def _call(self, verb: Verb, key: str, *arguments: Any) -> Any:
        return getattr(self.inner, verb)(key, *arguments)

    def head(self, key: str) -> ObjectInfo:
        return self._call("head", key)

    def get(self, key: str) -> Blob:
        return self._call("get", key)

    def get_range(self, key: str, start: int, length: int) -> bytes:
        return self._call("get_range", key, start, length)

    def get_if_changed(self, key: str, version: str) -> Blob | None:
        return self._call("get_if_changed", key, version)

    def stream(self, key: str, version: str | None = None) -> Iterator[bytes]:
        return self._call("stream", key, version)

    def list(self, prefix: str, after: str = "") -> Iterator[ObjectInfo]:
        return self._call("list", prefix, after)

    def create(self, key: str, data: bytes) -> ObjectInfo:
        return self._call("create", key, data)

    def replace(self, key: str, data: bytes, version: str) -> ObjectInfo:
        return self._call("replace", key, data, version)

    def put(self, key: str, data: bytes) -> ObjectInfo:
        return self._call("put", key, data)

    def put_stream(self, key: str, chunks: Iterable[bytes]) -> ObjectInfo:
        return self._call("put_stream", key, chunks)

    def delete(self, key: str) -> None:
        return self._call("delete", key)


WRITES: frozenset[Verb] = frozenset({"create", "replace", "put", "put_stream", "delete"})


class FailingStore(_Wrapper):
    """Dies just before its `fail_at`-th write (counted from 1), or just after it, and answers nothing from then on.

    Wrap the store of each zone with the same `counter`: writes are counted across all of them. A `fail_at` of 0 never
    dies, so that one undisturbed run tells how many writes there are: `counter.writes`.
    """

    def __init__(self, inner: ObjectStore, fail_at: int, counter: Counter, *, after: bool = False) -> None:
        super().__init__(inner)
        self.fail_at, self.counter, self.after = fail_at, counter, after

    def _call(self, verb: Verb, key: str, *arguments: Any) -> Any:
        with self.counter.lock:
            self._die_if(self.counter.dead)
            if verb not in WRITES:
                return super()._call(verb, key, *arguments)
            self.counter.writes += 1
            self.counter.verbs.append((verb, key))
            now = self.counter.writes == self.fail_at
            self._die_if(now and not self.after)
            result = super()._call(verb, key, *arguments)
            self._die_if(now)
            return result

    def _die_if(self, condition: bool) -> None:
        if condition:
            self.counter.dead = True
            raise Died(f"at write {self.counter.writes}")


class RecordingStore(_Wrapper):
    """Notes (zone, verb, key) of every call in `calls`, which stores of several zones may share."""

    def __init__(self, inner: ObjectStore, zone: str, calls: list[tuple[str, Verb, str]] | None = None) -> None:
        super().__init__(inner)
        self.zone = zone
        self.calls: list[tuple[str, Verb, str]] = [] if calls is None else calls

    def _call(self, verb: Verb, key: str, *arguments: Any) -> Any:
        self.calls.append((self.zone, verb, key))
        return super()._call(verb, key, *arguments)

    def verbs(self) -> set[Verb]:
        """Which verbs were used on this store's zone."""
        return {verb for zone, verb, _ in self.calls if zone == self.zone}
