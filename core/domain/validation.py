"""A validation report: what was checked, and whether the dataset may be learned from."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from .artefact import read_artefact
from .canonical import canonical_json
from .checks.check import Check
from .evolution import Evolution, SchemaChange

FORMAT = 2


@dataclass(frozen=True, slots=True)
class ValidationReport:
    """Every check of one dataset, and how its columns differ from those of the valid dataset before it."""

    model: str
    dataset: str
    rows: int
    checks: tuple[Check, ...]
    code: str
    evolution: Evolution | None = None
    format: int = FORMAT

    @property
    def valid(self) -> bool:
        """Whether no check failed that is more than a warning."""
        return all(check.passed or check.severity == "warning" for check in self.checks)

    @property
    def problems(self) -> tuple[str, ...]:
        """What makes it invalid, a sentence each."""
        return tuple(check.detail for check in self.checks if not check.passed and check.severity == "error")

    def to_json(self) -> dict[str, Any]:
        """As stored."""
        return {**asdict(self), "valid": self.valid}

    def encode(self) -> bytes:
        """The bytes that are stored."""
        return canonical_json(self.to_json())

    @classmethod
    def decode(cls, data: bytes) -> ValidationReport:
        """Read a stored report; raises Corrupt if it is none, or of a newer format."""
        return read_artefact(data, "validation report", FORMAT, cls._of)

    @classmethod
    def _of(cls, fields: dict[str, Any]) -> ValidationReport:
        """Format 1 had no examples and no evolution."""
        fields.pop("valid")
        checks = tuple(Check(**{**check, "examples": tuple(check.get("examples", ()))}) for check in fields["checks"])
        return cls(**{**fields, "checks": checks, "evolution": _evolution(fields.get("evolution")), "format": FORMAT})


def _evolution(fields: dict[str, Any] | None) -> Evolution | None:
    if fields is None:
        return None
    return Evolution(fields["since"], tuple(SchemaChange(**change) for change in fields["changes"]))
