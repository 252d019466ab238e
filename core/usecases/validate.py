"""Judge a dataset: against its spec, and against what the serving version learned from. A report is written either way.

Rows were checked one by one when they were ingested. Here they are checked again, since the spec may have changed
since, and as a whole: how many there are, whether an id comes twice, whether there is anything to learn. A difference
to what the serving version learned from is a warning, since the world changes, unless it can only be a mistake.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from .. import layout
from ..domain.checks.dataset import Check, judge
from ..domain.dataset import DatasetManifest
from ..domain.model import PROFILE
from ..domain.profile import Profile
from ..domain.validation import ValidationReport
from ..errors import AlreadyExists, NotFound
from ..ports import Reads, ReadsCreates
from ..spec import ModelSpec
from ..tables.datasets import iter_dataset
from ..tables.facts import dataset_facts
from .load_model import read_file, read_manifest
from .promote import current_route


def validate(
    datasets: Reads, models: Reads, reports: ReadsCreates, *, key: str, spec: ModelSpec, code: str
) -> ValidationReport | None:
    """Judge the dataset whose manifest is at `key`; a repeated call finds the report. None for a dataset of labels."""
    manifest = DatasetManifest.decode(datasets.get(key).data)
    if manifest.kind == "labels":
        return None
    report_key = layout.validation_report(manifest.model, manifest.version)
    with suppress(NotFound):
        return ValidationReport.decode(reports.get(report_key).data)
    profile = _serving_profile(models, manifest.model)
    checks = tuple(_checks(datasets, manifest, spec, profile))
    report = ValidationReport(manifest.model, manifest.version, manifest.rows, checks, code)
    try:
        reports.create(report_key, report.encode())
    except AlreadyExists:
        return ValidationReport.decode(reports.get(report_key).data)
    return report


def _checks(datasets: Reads, manifest: DatasetManifest, spec: ModelSpec, profile: Profile | None) -> Iterator[Check]:
    if manifest.schema != spec.columns:
        detail = "the spec's columns have changed since this was ingested; drop its file again"
        yield Check("schema", None, "error", passed=False, detail=detail)
        return
    facts = dataset_facts(lambda columns: iter_dataset(datasets, manifest, columns), manifest)
    yield from judge(facts, manifest.schema, profile)


def _serving_profile(models: Reads, model: str) -> Profile | None:
    route = current_route(models, model)
    if route is None:
        return None
    return Profile.decode(read_file(models, read_manifest(models, model, route.champion), PROFILE))
