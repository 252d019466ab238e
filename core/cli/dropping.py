"""Drop a file into the landing zone, so that nothing that was dropped before is lost."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from .. import layout
from ..errors import NotFound
from ..layout import Drop
from ..ports import ObjectInfo, ObjectStore

CHUNK = 8 << 20


def drop_file(landing: ObjectStore, model: str, drop: Drop, file: Path) -> ObjectInfo:
    """Put the file under its name; beside it, with a part of its hash, if other content has that name already.

    The same content under the same name is written again, which makes an event: that is how a file is read anew.
    """
    key = layout.landing(model, drop, file.name)
    digest = _digest(_chunks(file))
    if _has_other(landing, key, digest):
        stem, dot, ending = file.name.partition(".")
        key = layout.landing(model, drop, f"{stem}~{digest[:8]}{dot}{ending}")
    return landing.put_stream(key, _chunks(file))


def _chunks(file: Path) -> Iterator[bytes]:
    with file.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            yield chunk


def _digest(chunks: Iterable[bytes]) -> str:
    digest = hashlib.sha256()
    for chunk in chunks:
        digest.update(chunk)
    return digest.hexdigest()


def _has_other(landing: ObjectStore, key: str, digest: str) -> bool:
    try:
        return _digest(landing.stream(key)) != digest
    except NotFound:
        return False
