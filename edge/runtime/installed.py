"""A release that lies in a slot: what its runtime needs to know of it, by its own name.

Its signature was verified before it came there. Its name has the hash of its manifest in it, and the manifest the
hashes of its files, so that no bit of it flips unnoticed. Who starts to answer waits for this: so nothing that signs or
verifies is imported here.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any, NamedTuple

from core.domain.artefact import read_artefact
from core.domain.canonical import sha256
from core.errors import Corrupt
from core.layout import MANIFEST

from ..agent import files

FORMAT = 1
MODEL = "model.json"
SIGNATURE = "signature.json"
MOST = 1 << 20
CHUNK = 1 << 18


class Installed(NamedTuple):
    """`logged` are the columns that may leave the device, `model_json` what the file of that name says of the model."""

    folder: Path
    release: str
    model: str
    version: str
    logged: frozenset[str]
    model_json: bytes

    @classmethod
    def read(cls, folder: Path, release: str) -> Installed:
        """Read what is in a slot; raises NotFound or Corrupt if that is not the release."""
        name, fields = _manifest(folder)
        if name != release:
            raise Corrupt(f"slot {folder.name} holds release {name}, not {release}: install it again.")
        model = files.read(folder / MODEL, MOST)
        if sha256(model) != fields["files"][MODEL]["sha256"]:
            raise Corrupt(f"{MODEL} of release {release} is damaged: install it again.")
        return cls(folder, release, fields["model"], fields["version"], frozenset(fields["privacy"]["logged"]), model)


def whole(folder: Path) -> tuple[str, int]:
    """The release in a slot, and its sequence; raises NotFound or Corrupt if it is not whole, by names and hashes."""
    name, fields = _manifest(folder)
    hashes = {file: fact["sha256"] for file, fact in fields["files"].items()}
    there = set(os.listdir(folder))  # noqa: PTH208 - names, not paths
    if there != {MANIFEST, SIGNATURE, *hashes}:
        raise Corrupt(f"slot {folder.name} has other files than release {name}: install it again.")
    for file, known in hashes.items():
        if _hash(folder / file) != known:
            raise Corrupt(f"{file} of release {name} is damaged: install it again.")
    return name, fields["sequence"]


def _manifest(folder: Path) -> tuple[str, dict[str, Any]]:
    """The name of the release that the manifest makes, and its fields."""
    data = files.read(folder / MANIFEST, MOST)
    fields: dict[str, Any] = read_artefact(data, f"the manifest in slot {folder.name}", FORMAT, _checked)
    return f"{fields['sequence']:010d}-{sha256(data)[:12]}", fields


def _checked(fields: dict[str, Any]) -> dict[str, Any]:
    """Raises KeyError or TypeError for fields that a runtime cannot do without."""
    known = fields["files"]
    wanted = fields["model"], fields["version"], fields["privacy"]["logged"], known[MODEL]["sha256"]
    if type(fields["sequence"]) is not int or None in wanted:
        raise TypeError("a field is of another kind")
    return fields


def _hash(path: Path) -> str:
    digest = hashlib.sha256()
    with files.reading(path) as descriptor:
        while chunk := os.read(descriptor, CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
