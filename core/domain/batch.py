"""What a batch run says of itself: `Start` is its first write, `Success` its last."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from .artefact import read_artefact
from .canonical import canonical_json
from .dataset import Part

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Input:
    """One version of the object that is scored."""

    key: str
    version: str


@dataclass(frozen=True, slots=True)
class Start:
    """What holds for every attempt: which version answers, and when (RFC 3339, UTC)."""

    model: str
    version: str
    answered_at: str
    source: Input
    format: int = FORMAT

    def encode(self) -> bytes:
        """The bytes that are stored."""
        return canonical_json(asdict(self))

    @classmethod
    def decode(cls, data: bytes) -> Start:
        """Read a stored start; raises Corrupt if it is none, or of a newer format."""
        return read_artefact(data, "the start of a batch run", FORMAT, cls._of)

    @classmethod
    def _of(cls, fields: dict[str, Any]) -> Start:
        return cls(**{**fields, "source": Input(**fields["source"])})


@dataclass(frozen=True, slots=True)
class Success:
    """How the run ended: `rows` were answered, `quarantined` were not; `parts` are in the order of the input."""

    model: str
    version: str
    run: str
    answered_at: str
    source: Input
    rows: int
    quarantined: int
    parts: tuple[Part, ...]
    code: str
    format: int = FORMAT

    def encode(self) -> bytes:
        """The bytes that are stored."""
        return canonical_json(asdict(self))

    @classmethod
    def decode(cls, data: bytes) -> Success:
        """Read a stored `_SUCCESS`; raises Corrupt if it is none, or of a newer format."""
        return read_artefact(data, "the _SUCCESS of a batch run", FORMAT, cls._of)

    @classmethod
    def _of(cls, fields: dict[str, Any]) -> Success:
        parts = tuple(Part(**part) for part in fields["parts"])
        return cls(**{**fields, "source": Input(**fields["source"]), "parts": parts})
