"""A validation report: what was checked, and whether the dataset may be learned from."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from .artefact import read_artefact
from .canonical import canonical_json
from .checks.dataset import Check

FORMAT = 1


@dataclass(frozen=True, slots=True)
class ValidationReport:
    """Every check of one dataset."""

    model: str
    dataset: str
    rows: int
    checks: tuple[Check, ...]
    code: str
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
        fields.pop("valid")
        return cls(**{**fields, "checks": tuple(Check(**check) for check in fields["checks"])})
