"""Whether an earlier version is to serve again since the champion got worse: the verdict, and what it rests on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from .artefact import read_artefact
from .canonical import canonical_json

FORMAT = 1


@dataclass(frozen=True, slots=True)
class RollbackVerdict:
    """Stored before anything is done about it. `successor` is None when the champion stays.

    `judged` has what was found of each earlier version that was looked at: a comparison with the champion on the same
    labelled rows, or why there is none.
    """

    model: str
    report: str
    champion: str
    successor: str | None
    reason: str
    judged: Mapping[str, Any]
    format: int = FORMAT

    def encode(self) -> bytes:
        """The bytes that are stored."""
        return canonical_json(asdict(self))

    @classmethod
    def decode(cls, data: bytes) -> RollbackVerdict:
        """Read a stored verdict; raises Corrupt if it is none, or of a newer format."""
        return read_artefact(data, "rollback verdict", FORMAT, lambda fields: cls(**fields))
