"""What became of one version of one dropped file."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Literal

from .artefact import read_artefact
from .canonical import canonical_json

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Receipt:
    """Written when the file is done with. `dataset` is None for a refused file, and `reason` says why it was.

    `duplicate` tells that the same content had been dropped before.
    """

    model: str
    source: str
    key: str
    version: str
    outcome: Literal["ingested", "refused"]
    dataset: str | None
    rows: int
    rejected: int
    duplicate: bool = False
    reason: str | None = None
    format: int = FORMAT

    def encode(self) -> bytes:
        """The bytes that are stored."""
        return canonical_json(asdict(self))

    @classmethod
    def decode(cls, data: bytes) -> Receipt:
        """Read a stored receipt; raises Corrupt if it is none, or of a newer format."""
        return read_artefact(data, "receipt", FORMAT, lambda fields: cls(**fields))
