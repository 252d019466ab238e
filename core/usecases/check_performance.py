"""Compare what the serving version answered with what was true, over time, and say what is expected where nobody knows.

A report is of every answer of the version within the spec's history and of all labels that had come. Its key is derived
from which objects these are, so a repeated check finds its work done by listing alone, and labels that come late make
another report. The fairness report is written first: once the performance report stands, both do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from .. import layout
from ..domain.canonical import content_version
from ..domain.dataset import DatasetManifest
from ..domain.model import ModelManifest
from ..domain.performance.report import PerformanceReport
from ..errors import AlreadyExists, NotFound
from ..ports import Reads, ReadsCreates, ReadsLists
from ..spec import ModelSpec
from ..tables.matching import Matching
from .answer_records import read_reference
from .judged_rows import JudgedRows, Slicing
from .labels import add_labels, label_datasets
from .load_model import read_manifest
from .measure_performance import PerformanceOf
from .promote import current_route
from .sources import CloudAnswers, Source


def check_performance(
    predictions: ReadsLists,
    models: Reads,
    datasets: ReadsLists,
    reports: ReadsCreates,
    *,
    spec: ModelSpec,
    code: str,
) -> PerformanceReport:
    """Report on the serving version, unless the report on these answers and labels is stored already."""
    route = current_route(models, spec.model)
    if route is None:
        return _nothing(spec, None, f"no version of model {spec.model} serves yet")
    manifest = read_manifest(models, spec.model, route.champion)
    answers = CloudAnswers(predictions, spec.model)
    return measure_answers(answers, manifest, models, datasets, reports, spec=spec, code=code)


def measure_answers(
    source: Source,
    manifest: ModelManifest,
    models: Reads,
    datasets: ReadsLists,
    reports: ReadsCreates,
    *,
    spec: ModelSpec,
    code: str,
) -> PerformanceReport:
    """Report on what the version of `manifest` answered, unless that report is stored already."""
    units = source.recent(manifest, spec.performance.history)
    labels = label_datasets(datasets, spec.model)
    name = _name(spec, manifest, units, labels, source.group)
    if _exists(reports, layout.performance_report(spec.model, name)):
        return _nothing(spec, manifest.version, f"nothing is new since report {name}")
    with TemporaryDirectory(prefix="tidemill-") as folder:
        rows = _rows(Path(folder), models, manifest, spec)
        with Matching(Path(folder), sum(dataset.rows for dataset in labels), rows.dtype) as matching:
            add_labels(matching, datasets, labels, manifest.classes)
            rows.add(matching, source, units)
            rows.part(matching)
        inputs = {"sources": len(units), "labels": [dataset.version for dataset in labels]}
        return _stored(reports, name, PerformanceOf(spec, rows, code, source.group), inputs)


def _name(
    spec: ModelSpec,
    manifest: ModelManifest,
    units: Sequence[str],
    labels: Sequence[DatasetManifest],
    group: str | None,
) -> str:
    """What the report is of: the same answers and labels of the same version, measured alike, are the same report."""
    declared = spec.model_dump(mode="json", include={"slices", "kpi", "performance", "sensitive", "seed"})
    judged = {"metric": spec.metric, "max_regression": spec.gates.max_regression, "enough": spec.drift.min_rows}
    identity = {
        "version": manifest.version,
        "sources": sorted(units),
        "labels": [dataset.version for dataset in labels],
        "spec": {**declared, **judged},
    }
    return f"{manifest.version}-{content_version(identity)}" + (f"-{group}" if group else "")


def _rows(folder: Path, models: Reads, manifest: ModelManifest, spec: ModelSpec) -> JudgedRows:
    features = manifest.schema.feature_names
    columns = [name for name in (*spec.sensitive, *spec.slices) if name in {*features, *manifest.schema.sensitive}]
    slicing = Slicing(tuple(dict.fromkeys(columns)), frozenset(features))
    return JudgedRows(folder, manifest, read_reference(models, manifest), slicing, spec.seed, spec.performance.window)


def _nothing(spec: ModelSpec, version: str | None, reason: str) -> PerformanceReport:
    return PerformanceReport(model=spec.model, version=version, metric=spec.metric, reason=reason)


def _stored(reports: ReadsCreates, name: str, measuring: PerformanceOf, inputs: Mapping[str, Any]) -> PerformanceReport:
    """Measure everything and store both reports; of fewer rows than a figure needs nothing is stored."""
    spec, manifest, fewest = measuring.spec, measuring.rows.manifest, measuring.spec.performance.min_rows
    rows = sum(rows for rows, _ in measuring.rows.counts.values())
    if rows < fewest:
        return _nothing(spec, manifest.version, f"{rows:,} rows are answered, {fewest:,} make a figure")
    report = replace(measuring.report(), inputs=inputs)
    if spec.sensitive and manifest.classes:
        key = layout.fairness_report(spec.model, name)
        _create(reports, key, measuring.fairness(report).encode())
        report = replace(report, fairness=key)
    key = layout.performance_report(spec.model, name)
    _create(reports, key, report.encode())
    return replace(report, key=key)


def _create(reports: ReadsCreates, key: str, data: bytes) -> None:
    with suppress(AlreadyExists):  # the same check, made before or beside this one
        reports.create(key, data)


def _exists(reports: Reads, key: str) -> bool:
    try:
        reports.head(key)
    except NotFound:
        return False
    return True
