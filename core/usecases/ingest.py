"""Read a dropped file: typed rows to an immutable dataset, the others to quarantine with their reasons.

The dataset's version is a hash of the file's bytes, the schema and the code, so it is known before the first row is
written, and the same content dropped twice is one dataset. Everything is written create-only, the manifest after the
parts, the receipt last: an attempt that died anywhere is simply made again.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from .. import layout
from ..domain.canonical import canonical_json, content_version, sha256
from ..domain.dataset import DatasetManifest, Part, Source
from ..domain.receipt import Receipt
from ..errors import BadInput, NotFound
from ..ports import Creates, ObjectInfo, Reads, ReadsCreates
from ..spec import ModelSpec
from ..tables.checked import checked_batches
from ..tables.datasets import encode_part
from ..tables.formats import format_of
from .quarantine import FORMAT, Quarantine, create_once

PART_ROWS = 100_000
PART_BYTES = 32 << 20
"""A part ends with the batch that reaches either."""


def ingest(
    landing: Reads,
    datasets: ReadsCreates,
    quarantine: Creates,
    reports: ReadsCreates,
    *,
    key: str,
    spec: ModelSpec,
    code: str,
) -> Receipt:
    """Ingest the file at landing `key` as it is now; a repeated call finds the receipt.

    Raises BadInput if the file as a whole cannot be used, each time it is asked for: quarantine says so too.
    """
    model, drop, _ = layout.parse_landing(key)
    if drop == "score":
        raise BadInput(f"{key!r} is to be scored, not to be learned from.")
    info = landing.head(key)
    source = layout.source_id(key, info.version)
    done = _receipt(reports, model, source)
    if done is None:
        work = _Ingesting(landing, datasets, quarantine, info, source, spec, code)
        try:
            receipt = work.run()
        except BadInput as error:
            receipt = work.refuse(str(error))
        create_once(reports, layout.ingest_receipt(model, source), receipt.encode())
        done = _receipt(reports, model, source) or receipt
    if done.outcome == "refused":
        raise BadInput(str(done.reason))
    return done


def _receipt(reports: Reads, model: str, source: str) -> Receipt | None:
    try:
        return Receipt.decode(reports.get(layout.ingest_receipt(model, source)).data)
    except NotFound:
        return None


@dataclass(slots=True)
class _Ingesting:
    """One attempt on one version of one file."""

    landing: Reads
    datasets: ReadsCreates
    quarantine: Creates
    info: ObjectInfo
    source: str
    spec: ModelSpec
    code: str
    kind: Any = field(init=False)

    def __post_init__(self) -> None:
        self.kind = layout.parse_landing(self.info.key)[1]

    def run(self) -> Receipt:
        """Write the dataset, unless it exists; raises BadInput if the file cannot be used."""
        digest = self._digest()
        version = self._version(digest)
        manifest = self._existing(version)
        duplicate = manifest is not None and manifest.source.key != self.info.key
        if manifest is None:
            manifest = self._write(version, digest)
        return self._receipt(manifest, duplicate=duplicate)

    def refuse(self, reason: str) -> Receipt:
        """Tell in the quarantine that nothing of the file was used, and why."""
        report = {**self._told(), "refused": reason}
        create_once(self.quarantine, layout.quarantine_report(self.spec.model, self.source), canonical_json(report))
        return Receipt(
            self.spec.model, self.source, self.info.key, self.info.version, "refused", None, 0, 0, reason=reason
        )

    def _digest(self) -> str:
        format_of(self.info.key)
        digest = hashlib.sha256()
        for chunk in self.landing.stream(self.info.key, self.info.version):
            digest.update(chunk)
        return digest.hexdigest()

    def _version(self, digest: str) -> str:
        made_of = {
            "content": digest,
            "format": format_of(self.info.key),
            "kind": self.kind,
            "schema": self.spec.columns.to_json(),
            "code": self.code,
        }
        return content_version(made_of)

    def _existing(self, version: str) -> DatasetManifest | None:
        try:
            return DatasetManifest.decode(self.datasets.get(layout.dataset_manifest(self.spec.model, version)).data)
        except NotFound:
            return None

    def _write(self, version: str, digest: str) -> DatasetManifest:
        schema, model = self.spec.columns, self.spec.model
        rejects = Quarantine(self.quarantine, lambda number: layout.quarantine_part(model, self.source, number))
        parts = _Parts(self.datasets, model, version)
        for batch in checked_batches(self.landing, self.info, schema, self.kind):
            rejects.add(batch.rejected)
            parts.add(batch.good)
        parts.flush()
        counts = rejects.finish()
        rows = sum(part.rows for part in parts.written)
        if not rows:
            raise BadInput(f"{self.info.key!r} has no row that can be used: {_most(counts['reasons'])}.")
        if rejects.count:
            report = {**self._told(), "rows": rows + rejects.count, **counts}
            create_once(self.quarantine, layout.quarantine_report(model, self.source), canonical_json(report))
        source = Source(self.info.key, self.info.version, digest)
        manifest = DatasetManifest(
            model, version, self.kind, source, schema, rows, rejects.count, tuple(parts.written), self.code
        )
        create_once(self.datasets, layout.dataset_manifest(model, version), manifest.encode())
        return manifest

    def _told(self) -> dict[str, Any]:
        source = {"key": self.info.key, "version": self.info.version}
        return {"format": FORMAT, "model": self.spec.model, "source": source}

    def _receipt(self, manifest: DatasetManifest, *, duplicate: bool) -> Receipt:
        return Receipt(
            self.spec.model,
            self.source,
            self.info.key,
            self.info.version,
            "ingested",
            manifest.version,
            manifest.rows,
            manifest.rejected,
            duplicate,
        )


def _most(reasons: dict[str, int]) -> str:
    """The most frequent reasons, for a sentence."""
    return "; ".join(f"{reason} ({count:,} rows)" for reason, count in list(reasons.items())[:3])


@dataclass(slots=True)
class _Parts:
    """Cuts good rows into parts, the same way every time, and writes them."""

    datasets: Creates
    model: str
    version: str
    written: list[Part] = field(default_factory=list)
    held: list[pa.RecordBatch] = field(default_factory=list)
    rows: int = 0
    size: int = 0

    def add(self, good: pa.RecordBatch) -> None:
        """Keep these rows."""
        if not len(good):
            return
        self.held.append(good)
        self.rows += len(good)
        self.size += good.nbytes
        if self.rows >= PART_ROWS or self.size >= PART_BYTES:
            self.flush()

    def flush(self) -> None:
        """Write what is held."""
        if not self.held:
            return
        data = encode_part(self.held)
        create_once(self.datasets, layout.dataset_part(self.model, self.version, len(self.written)), data)
        self.written.append(Part(self.rows, sha256(data)))
        self.held, self.rows, self.size = [], 0, 0
