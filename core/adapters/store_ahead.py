"""Fetch what serving a model asks for while the process still imports: a cold start waits for the slower of both."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from contextlib import suppress

from .. import layout
from ..domain.model import GOLDEN, ONNX
from ..domain.route import Route
from ..errors import TidemillError
from ..ports import Blob, ObjectStore


class ReadAhead:
    """The models zone, of which some objects are on their way already.

    Each is given once to the first who asks for it, and read anew after that. What could not be fetched is asked for
    again, by who needs it and can tell what is wrong.
    """

    def __init__(self, store: ObjectStore, models: Iterable[str]) -> None:
        self._store = store
        self._fetches: dict[str, _Fetch] = {}
        self.head, self.get_range, self.get_if_changed = store.head, store.get_range, store.get_if_changed
        self.stream, self.list, self.create, self.replace = store.stream, store.list, store.create, store.replace
        self.put, self.put_stream, self.delete = store.put, store.put_stream, store.delete
        for model in models:
            self._fetch(_Fetch(store, layout.route(model), self._follow))

    def get(self, key: str) -> Blob:
        """The whole object; raises NotFound."""
        fetch = self._fetches.pop(key, None)
        if fetch is not None:
            fetch.join()
        return self._store.get(key) if fetch is None or fetch.blob is None else fetch.blob

    def forget(self) -> None:
        """Let go of what was fetched and is not asked for."""
        self._fetches.clear()

    def _follow(self, route: Blob) -> None:
        """Fetch the files of the versions that a route names."""
        named = Route.decode(route.data)
        for version in filter(None, (named.champion, named.challenger)):
            files = (layout.model_file(named.model, version, name) for name in (ONNX, GOLDEN))
            for key in (layout.model_manifest(named.model, version), *files):
                self._fetch(_Fetch(self._store, key))

    def _fetch(self, fetch: _Fetch) -> None:
        self._fetches[fetch.key] = fetch
        fetch.start()


class _Fetch(threading.Thread):
    """One object on its way; `blob` is None if it could not be had. `then` is told of it before the thread ends."""

    def __init__(self, store: ObjectStore, key: str, then: Callable[[Blob], None] = lambda _blob: None) -> None:
        super().__init__(name="tidemill-ahead", daemon=True)
        self.key = key
        self.blob: Blob | None = None
        self._store, self._then = store, then

    def run(self) -> None:
        with suppress(TidemillError):
            self.blob = self._store.get(self.key)
            self._then(self.blob)
