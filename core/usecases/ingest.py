"""Read a dropped file: typed rows to an immutable dataset, the others to quarantine with their reasons.

The dataset's version is a hash of the file's bytes, the schema and the code, so it is known before the first row is
written, and the same content dropped twice is one dataset. Everything is written create-only, the manifest after the
parts, the receipt last: an attempt that died anywhere is simply made again.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

from .. import layout
from ..domain.canonical import content_version
from ..domain.dataset import DatasetManifest, Kind, Source
from ..domain.receipt import Receipt
from ..domain.schema import Schema
from ..errors import AlreadyExists, BadInput, NotFound, Transient, VersionMismatch
from ..ports import Creates, ObjectInfo, Reads, ReadsCreates
from ..spec import ModelSpec
from ..tables.checked import checked_batches
from ..tables.formats import format_of
from ..tables.parts import Parts
from .quarantine import Quarantine, create_once, write_report


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

    A file that was ingested by other columns of the spec, or refused by them, is read again. Raises BadInput if the
    file as a whole cannot be used, each time it is asked for: quarantine says so too. Raises Transient if the file was
    replaced while it was read.
    """
    _, drop, _ = layout.parse_landing(key)
    if drop == "score":
        raise BadInput(f"{key!r} is to be scored, not to be learned from.")
    info = landing.head(key)
    work = _Ingesting(landing, datasets, quarantine, info, drop, spec.columns, code)
    receipt_key = layout.ingest_receipt(work.schema.model, work.source)
    receipt = _receipt(reports, receipt_key)
    if receipt is None:
        create_once(reports, receipt_key, work.receipt().encode())
        receipt = Receipt.decode(reports.get(receipt_key).data)
    if receipt.outcome == "refused":
        raise BadInput(str(receipt.reason))
    return receipt


def _receipt(reports: Reads, key: str) -> Receipt | None:
    try:
        return Receipt.decode(reports.get(key).data)
    except NotFound:
        return None


@dataclass(slots=True)
class _Ingesting:
    """One attempt on one version of one file. `source` names that version, read by that schema."""

    landing: Reads
    datasets: ReadsCreates
    quarantine: Creates
    info: ObjectInfo
    kind: Kind
    schema: Schema
    code: str
    source: str = field(init=False)
    rejects: Quarantine = field(init=False)

    def __post_init__(self) -> None:
        model, read_as = self.schema.model, content_version(self.schema.to_json())
        self.source = layout.source_id(self.info.key, self.info.version, read_as)
        self.rejects = Quarantine(self.quarantine, lambda number: layout.quarantine_part(model, self.source, number))

    def receipt(self) -> Receipt:
        """Do the work; what became of the file."""
        try:
            return self._ingested()
        except BadInput as error:
            return self._refused(str(error))
        except VersionMismatch as error:
            raise Transient(
                f"{self.info.key!r} was replaced while it was read; try again, to read what is there now."
            ) from error

    def _ingested(self) -> Receipt:
        """Write the dataset, unless it exists; raises BadInput if the file cannot be used."""
        format_of(self.info.key)
        digest = self._digest()
        version = self._version(digest)
        manifest = self._existing(version) or self._written(version, digest)
        return Receipt(
            model=self.schema.model,
            source=self.source,
            key=self.info.key,
            version=self.info.version,
            outcome="ingested",
            dataset=version,
            rows=manifest.rows,
            rejected=manifest.rejected,
            duplicate=(manifest.source.key, manifest.source.version) != (self.info.key, self.info.version),
        )

    def _refused(self, reason: str) -> Receipt:
        """Tell in the quarantine that nothing of the file was used, and why."""
        counts = self.rejects.finish()
        self._report({**counts, "refused": reason})
        return Receipt(
            model=self.schema.model,
            source=self.source,
            key=self.info.key,
            version=self.info.version,
            outcome="refused",
            dataset=None,
            rows=0,
            rejected=self.rejects.count,
            reason=reason,
        )

    def _digest(self) -> str:
        digest = hashlib.sha256()
        for chunk in self.landing.stream(self.info.key, self.info.version):
            digest.update(chunk)
        return digest.hexdigest()

    def _version(self, digest: str) -> str:
        made_of = {
            "content": digest,
            "format": format_of(self.info.key),
            "kind": self.kind,
            "schema": self.schema.to_json(),
            "code": self.code,
        }
        return content_version(made_of)

    def _existing(self, version: str) -> DatasetManifest | None:
        try:
            return DatasetManifest.decode(self.datasets.get(layout.dataset_manifest(self.schema.model, version)).data)
        except NotFound:
            return None

    def _written(self, version: str, digest: str) -> DatasetManifest:
        model = self.schema.model
        parts = Parts(self.datasets, lambda number: layout.dataset_part(model, version, number))
        for batch in checked_batches(self.landing, self.info, self.schema, self.kind):
            self.rejects.add(batch.rejected)
            parts.add(batch.good)
        parts.flush()
        counts = self.rejects.finish()
        if not parts.rows:
            raise BadInput(f"{self.info.key!r} has no row that can be used: {_most(counts['reasons'])}.")
        if self.rejects.count:
            self._report({"rows": parts.rows + self.rejects.count, **counts})
        manifest = DatasetManifest(
            model=model,
            version=version,
            kind=self.kind,
            source=Source(self.info.key, self.info.version, digest),
            schema=self.schema,
            rows=parts.rows,
            rejected=self.rejects.count,
            parts=tuple(parts.written),
            code=self.code,
        )
        return self._first(manifest)

    def _first(self, manifest: DatasetManifest) -> DatasetManifest:
        """Write the manifest; or find the one that was written meanwhile, for the same content of another name."""
        key = layout.dataset_manifest(manifest.model, manifest.version)
        try:
            self.datasets.create(key, manifest.encode())
        except AlreadyExists:
            return DatasetManifest.decode(self.datasets.get(key).data)
        return manifest

    def _report(self, found: dict[str, Any]) -> None:
        key = layout.quarantine_report(self.schema.model, self.source)
        source = {"key": self.info.key, "version": self.info.version}
        write_report(self.quarantine, key, model=self.schema.model, source=source, found=found)


def _most(reasons: dict[str, int]) -> str:
    """The most frequent reasons, for a sentence."""
    return "; ".join(f"{reason} ({count:,} rows)" for reason, count in list(reasons.items())[:3])
