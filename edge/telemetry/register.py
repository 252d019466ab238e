"""What a ring remembers beside its segments: its own name, the next number, and how much was dropped."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from core.domain.artefact import read_artefact
from core.domain.canonical import canonical_json
from core.errors import Corrupt, NotFound

from ..agent import files

FILE = "ring.json"
FORMAT = 1
MOST = 4096


class Register(NamedTuple):
    """`name` is made at random with the ring. `next` is the number of the next segment; no number comes twice.

    `dropped` counts records that were given up because there was no room.
    """

    name: str
    next: int = 1
    dropped: int = 0

    @classmethod
    def read(cls, folder: Path) -> Register:
        """The register in `folder`; a new one, of a new name, if there is none or it is broken."""
        with suppress(NotFound, Corrupt):
            return read_artefact(files.read(folder / FILE, MOST), "the ring's register", FORMAT, cls._of)
        return cls(os.urandom(4).hex())

    @classmethod
    def _of(cls, fields: dict[str, Any]) -> Register:
        return cls(str(fields["name"]), int(fields["next"]), int(fields["dropped"]))

    def write(self, folder: Path) -> None:
        """Replace the register in `folder`, whole or not at all; raises NoRoom."""
        files.replace(folder / FILE, canonical_json({"format": FORMAT, **self._asdict()}))
