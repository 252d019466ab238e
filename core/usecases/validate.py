"""Judge a dataset: against its spec, what users expect of it, and what the serving version learned from.

Rows were checked one by one when they were ingested. Here they are checked again, since the spec may have changed
since, and as a whole: how many there are, whether an id comes twice, whether there is anything to learn. A difference
to what the serving version learned from is a warning, since the world changes, unless it can only be a mistake. A
report is written either way. Nothing in it depends on when it is made: how fresh rows are is told of when they arrived.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from .. import layout
from ..domain.checks.check import Check
from ..domain.checks.dataset import judge
from ..domain.checks.freshness import freshness_check
from ..domain.dataset import DatasetManifest
from ..domain.evolution import Evolution, evolution
from ..domain.model import PROFILE
from ..domain.profile import Profile
from ..domain.validation import ValidationReport
from ..errors import AlreadyExists, NotFound
from ..ports import Reads, ReadsListsCreates
from ..spec import ModelSpec
from ..tables.datasets import iter_dataset
from ..tables.facts import dataset_facts
from .expectations import Find, Read, expected
from .load_model import read_file, read_manifest
from .promote import current_route


def validate(
    datasets: Reads, models: Reads, reports: ReadsListsCreates, *, key: str, spec: ModelSpec, find: Find, code: str
) -> ValidationReport | None:
    """Judge the dataset whose manifest is at `key`; a repeated call finds the report. None for a dataset of labels.

    `find` finds the functions that the spec's expectations name. Raises BadSpec if one of them cannot be run.
    """
    blob = datasets.get(key)
    manifest = DatasetManifest.decode(blob.data)
    if manifest.kind == "labels":
        return None
    report_key = layout.validation_report(manifest.model, manifest.version)
    with suppress(NotFound):
        return ValidationReport.decode(reports.get(report_key).data)
    profile = _serving_profile(models, manifest.model)
    checks = tuple(_checks(datasets, manifest, spec, profile, blob.info.modified, find))
    changed = _evolution(datasets, reports, manifest)
    report = ValidationReport(manifest.model, manifest.version, manifest.rows, checks, code, changed)
    try:
        reports.create(report_key, report.encode())
    except AlreadyExists:
        return ValidationReport.decode(reports.get(report_key).data)
    return report


def _checks(
    datasets: Reads, manifest: DatasetManifest, spec: ModelSpec, profile: Profile | None, arrived: datetime, find: Find
) -> Iterator[Check]:
    if manifest.schema != spec.columns:
        detail = "the spec's columns have changed since this was ingested; drop its file again"
        yield Check("schema", None, "error", passed=False, detail=detail)
        return

    def read(columns: list[str] | None) -> Iterator[pa.RecordBatch]:
        return iter_dataset(datasets, manifest, columns)

    yield from judge(dataset_facts(read, manifest), manifest.schema, profile)
    if spec.freshness is not None:
        yield freshness_check(str(spec.time), _newest(read, str(spec.time)), arrived, spec.freshness)
    yield from expected(spec, read, find)


def _newest(read: Read, column: str) -> datetime | None:
    newest = (pc.max(batch.column(0)).as_py() for batch in read([column]))
    return max((time for time in newest if time is not None), default=None)


def _evolution(datasets: Reads, reports: ReadsListsCreates, manifest: DatasetManifest) -> Evolution | None:
    """How the columns differ from those of the valid dataset before, if there is one."""
    infos = sorted(reports.list(layout.validation_reports(manifest.model)), key=lambda info: (info.modified, info.key))
    for info in reversed(infos):
        before = ValidationReport.decode(reports.get(info.key).data)
        if before.valid:
            stored = datasets.get(layout.dataset_manifest(before.model, before.dataset))
            return evolution(before.dataset, DatasetManifest.decode(stored.data).schema, manifest.schema)
    return None


def _serving_profile(models: Reads, model: str) -> Profile | None:
    route = current_route(models, model)
    if route is None:
        return None
    return Profile.decode(read_file(models, read_manifest(models, model, route.champion), PROFILE))
