"""The manifest of a model version: what it is, what made it, and the hash of each of its files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from .artefact import read_artefact
from .schema import Schema

FORMAT = 1

ONNX = "model.onnx"
PROFILE = "profile.json"
METRICS = "metrics.json"
REFERENCE = "reference.json"
GOLDEN = "golden.json"
ESTIMATOR = "estimator.skops"
CARD = "card.md"


@dataclass(frozen=True, slots=True)
class ModelManifest:
    """Everything that is known of a version. `files` maps a file's name to its SHA-256.

    `inputs` is what the version is a hash of: datasets, spec, seed, code and environment. `classes` is empty for
    regression.
    """

    model: str
    version: str
    schema: Schema
    classes: tuple[str, ...]
    inputs: Mapping[str, Any]
    files: Mapping[str, str]
    training_rows: int
    holdout_rows: int
    parity: Mapping[str, Any] = field(default_factory=dict)
    format: int = FORMAT

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return asdict(self)

    @classmethod
    def decode(cls, data: bytes) -> ModelManifest:
        """Read a stored manifest; raises Corrupt if it is of a newer format or not a manifest."""
        return read_artefact(data, "model manifest", FORMAT, cls._of)

    @classmethod
    def _of(cls, fields: dict[str, Any]) -> ModelManifest:
        return cls(
            model=fields["model"],
            version=fields["version"],
            schema=Schema.from_json(fields["schema"]),
            classes=tuple(fields["classes"]),
            inputs=fields["inputs"],
            files=fields["files"],
            training_rows=fields["training_rows"],
            holdout_rows=fields["holdout_rows"],
            parity=fields["parity"],
            format=fields["format"],
        )
