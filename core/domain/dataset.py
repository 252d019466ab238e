"""The manifest of a dataset: where its rows came from, and the hash of each of its parts."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from .artefact import read_artefact
from .canonical import canonical_json
from .schema import Schema

FORMAT = 1

Kind = Literal["rows", "labels"]


@dataclass(frozen=True, slots=True)
class Source:
    """One version of one landing object. `sha256` is of its bytes, the same on every store."""

    key: str
    version: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Part:
    """One Parquet file of the dataset: its row count and the SHA-256 of its bytes."""

    rows: int
    sha256: str


@dataclass(frozen=True, slots=True)
class DatasetManifest:
    """Everything that is known of a dataset. It is written last: the dataset exists from then on.

    `version` hashes the source's bytes, the schema and the code that read it, never names or times. `rejected` rows
    of the source went to quarantine. `parts` are in the order of the source's rows.
    """

    model: str
    version: str
    kind: Kind
    source: Source
    schema: Schema
    rows: int
    rejected: int
    parts: tuple[Part, ...]
    code: str
    format: int = FORMAT

    def encode(self) -> bytes:
        """The bytes that are stored."""
        return canonical_json(asdict(self))

    @classmethod
    def decode(cls, data: bytes) -> DatasetManifest:
        """Read a stored manifest; raises Corrupt if it is of a newer format or not a manifest."""
        return read_artefact(data, "dataset manifest", FORMAT, cls._of)

    @classmethod
    def _of(cls, fields: dict[str, Any]) -> DatasetManifest:
        nested = {
            "source": Source(**fields["source"]),
            "schema": Schema.from_json(fields["schema"]),
            "parts": tuple(Part(**part) for part in fields["parts"]),
        }
        return cls(**{**fields, **nested})
