"""A slot as the models zone of a store: the cloud's own cache loads from it, and proves what it loads."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from core import layout
from core.domain.route import Route
from core.errors import NotFound, VersionMismatch
from core.ports import Blob, ObjectInfo

from ..agent import files
from .installed import Installed

LARGEST = 1 << 30
"""Bytes of a file that is read at all."""
ONLY = "1"
"""The version of each object: none of them changes."""


class SlotStore:
    """Reads the files of one release; its version is the champion of a route that never changes."""

    def __init__(self, installed: Installed) -> None:
        model, version = installed.model, installed.version
        self._folder = installed.folder
        self._prefix = layout.model_file(model, version, "")
        self._made = {
            layout.route(model): Route.first(model, version, installed.release).encode(),
            layout.model_manifest(model, version): installed.model_json,
        }

    def get(self, key: str) -> Blob:
        """The whole object; raises NotFound."""
        data = self._data(key)
        return Blob(data, ObjectInfo(key, len(data), ONLY, datetime.now(UTC)))

    def head(self, key: str) -> ObjectInfo:
        """What is known of the object; raises NotFound."""
        return self.get(key).info

    def get_range(self, key: str, start: int, length: int) -> bytes:
        """Bytes `start` to `start + length`; raises NotFound."""
        return self._data(key)[start : start + length]

    def get_if_changed(self, key: str, version: str) -> Blob | None:
        """The object, or None while it is still `version`; raises NotFound."""
        return None if version == ONLY and key in self._made else self.get(key)

    def stream(self, key: str, version: str | None = None) -> Iterator[bytes]:
        """The content in one piece; raises NotFound and VersionMismatch."""
        if version not in {None, ONLY}:
            raise VersionMismatch(f"object {key!r} is not version {version!r}.")
        yield self._data(key)

    def _data(self, key: str) -> bytes:
        if key in self._made:
            return self._made[key]
        name = key.removeprefix(self._prefix)
        if name == key or "/" in name:
            raise NotFound(f"this device has no object {key[:200]!r}.")
        return files.read(self._folder / name, LARGEST)
