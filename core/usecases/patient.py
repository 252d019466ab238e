"""A store whose writes are tried again before a whole run is given up for one of them."""

from __future__ import annotations

import time

from ..errors import Transient
from ..ports import ObjectInfo, ReadsCreates

PAUSES = (0.05, 0.5, 2.0)
"""Seconds before each further try."""


class Patient:
    """Reads and creates as `store` does; a create that fails for now is tried again.

    One that failed may have been done nevertheless: who creates by keys that derive from the content takes
    AlreadyExists for what it is.
    """

    def __init__(self, store: ReadsCreates) -> None:
        self._store = store
        self.head, self.get, self.get_range = store.head, store.get, store.get_range
        self.get_if_changed, self.stream = store.get_if_changed, store.stream

    def create(self, key: str, data: bytes) -> ObjectInfo:
        """Write the object; raises as the store does, Transient after the last try."""
        for pause in PAUSES:
            try:
                return self._store.create(key, data)
            except Transient:
                time.sleep(pause)
        return self._store.create(key, data)
