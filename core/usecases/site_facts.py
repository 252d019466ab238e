"""Gather what the pages of a model tell. Of what there can be much of, only the newest is read."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from operator import attrgetter
from typing import Any, Protocol

from .. import layout
from ..domain.alert import Alert
from ..domain.artefact import read_artefact
from ..domain.canonical import sha256
from ..domain.dataset import DatasetManifest
from ..domain.gates import Verdict
from ..domain.journal import Entry
from ..domain.model import METRICS, ModelManifest
from ..domain.receipt import Receipt
from ..domain.route import Route
from ..domain.validation import ValidationReport
from ..errors import NotFound
from ..ports import Lists, ObjectInfo, Reads
from ..report.facts import ModelFacts, ModelSummary, VersionFacts
from .browse import folders
from .fleet import read_fleet
from .promote import current_route

FORMAT = 1
"""The newest format of verdicts, claims and of drift, performance, fairness and quarantine reports that is read."""
VERSIONS = 50
CHECKS = 40
MEASURED = 5
ALERTS = 60
FILES = 50
MANIFESTS = 100
ENTRIES = 200
"""How many of each are read, the newest. A performance report is of a version's whole history, as far as that is told;
`MEASURED` versions are read."""


class Readable(Reads, Lists, Protocol):
    """A zone to look around in."""


@dataclass(frozen=True, slots=True)
class Zones:
    """Where the facts are."""

    models: Readable
    datasets: Reads
    reports: Readable
    quarantine: Reads
    edge: Readable


def model_facts(zones: Zones, model: str) -> ModelFacts:
    """Everything that the pages of `model` tell; of a model that nothing is known of, that nothing is."""
    route = current_route(zones.models, model)
    known, versions = _versions(zones.models, model, route)
    validations = tuple(_validations(zones.reports, model))
    receipts = tuple(_receipts(zones.reports, model))
    measured = tuple(_measured(zones.reports, model))
    alerts, raised = _alerts(zones.reports, model)
    datasets = dict.fromkeys(report.dataset for report in validations)
    datasets |= dict.fromkeys(name for version in versions for name in version.datasets)
    entries, total, broken = _journal(zones.models, model)
    return ModelFacts(
        model=model,
        route=route,
        versions=versions,
        versions_known=known,
        checks=tuple(_checks(_of_cloud(zones.reports, layout.drift_reports(model)), zones.reports)),
        measured=measured,
        fairness=tuple(_fairness(zones.reports, measured)),
        alerts=alerts,
        alerts_known=raised,
        validations=validations,
        receipts=receipts,
        rejected=dict(_rejected(zones.quarantine, model, receipts)),
        datasets=dict(_manifests(zones.datasets, model, islice(datasets, MANIFESTS))),
        entries=entries,
        entries_known=total,
        broken=broken,
        fleet=read_fleet(zones.edge, model),
        groups=dict(_groups(zones.reports, model)),
    )


def summaries(zones: Zones) -> list[ModelSummary]:
    """What the overview tells of every model that anything is known of."""
    names = {*folders(zones.models), *folders(zones.reports)}
    return [_summary(zones, name) for name in sorted(names)]


def _summary(zones: Zones, model: str) -> ModelSummary:
    route = current_route(zones.models, model)
    if route is None:
        return ModelSummary(model)
    found = _json(zones.models, layout.model_file(model, route.champion, METRICS)) or {}
    metric = found.get("metric", "")
    found_checks = _of_cloud(zones.reports, layout.drift_reports_of(model, route.champion))
    checks = _checks(found_checks, zones.reports)
    return ModelSummary(
        model=model,
        route=route,
        metric=metric,
        value=found.get("metrics", {}).get(metric),
        checked=next(reversed(checks), None),
        measured=_measured_of(zones.reports, model, route.champion),
        devices=any(True for _ in zones.edge.list(layout.edge_telemetry_of(model))),
    )


def _newest(infos: Iterable[ObjectInfo], count: int) -> list[ObjectInfo]:
    """The newest objects, newest first; a stable order also where a copy made all of them at once."""
    return heapq.nlargest(count, infos, key=attrgetter("modified", "key"))


def _json(store: Reads, key: str) -> dict[str, Any] | None:
    """A stored JSON object, None if there is none; raises Corrupt if it is none, or of a newer format."""
    try:
        data = store.get(key).data
    except NotFound:
        return None
    return read_artefact(data, key, FORMAT, dict)


def _versions(models: Readable, model: str, route: Route | None) -> tuple[int, tuple[VersionFacts, ...]]:
    """How many trainings were judged, and the versions of the newest of them and of the route, newest first."""
    judged = [info for info in models.list(layout.claims(model)) if layout.is_training_verdict(info.key)]
    found: dict[str, VersionFacts] = {}
    for info in _newest(judged, VERSIONS):
        verdict = _json(models, info.key)
        if verdict and verdict["version"] not in found:
            claim = _json(models, layout.claim_of_verdict(info.key)) or {}
            with suppress(NotFound):  # its files were removed by hand
                found[verdict["version"]] = _version(models, model, verdict["version"], claim, verdict)
    for version in (route.champion, route.challenger) if route else ():
        if version and version not in found:
            with suppress(NotFound):
                found[version] = _version(models, model, version, {}, None)
    ordered = sorted(found.values(), key=attrgetter("created", "version"), reverse=True)
    return max(len(judged), len(ordered)), tuple(ordered)


def _version(
    models: Reads, model: str, version: str, claim: Mapping[str, Any], verdict: Mapping[str, Any] | None
) -> VersionFacts:
    manifest = ModelManifest.decode(models.get(layout.model_manifest(model, version)).data)
    stored = _json(models, layout.model_file(model, version, METRICS)) or {}
    return VersionFacts(
        version=version,
        created=claim.get("taken", ""),
        metric=stored.get("metric", ""),
        metrics=stored.get("metrics", {}),
        datasets=tuple(manifest.inputs.get("datasets", ())),
        training_rows=manifest.training_rows,
        holdout_rows=manifest.holdout_rows,
        estimator=manifest.inputs.get("spec", {}).get("estimator", ""),
        reason=claim.get("reason", ""),
        gates=tuple(Verdict(**gate) for gate in verdict["gates"]) if verdict else None,
        against=verdict["champion"] if verdict else None,
        comparison=verdict["comparison"] if verdict else None,
    )


def _of_cloud(reports: Readable, prefix: str) -> Iterator[ObjectInfo]:
    """Reports on what the cloud answered; those on devices have a page of their own."""
    return (info for info in reports.list(prefix) if layout.group_of_report(info.key) is None)


def _groups(reports: Readable, model: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The newest drift report on each group of devices."""
    newest: dict[str, ObjectInfo] = {}
    for info in sorted(reports.list(layout.drift_reports(model)), key=attrgetter("modified", "key")):
        group = layout.group_of_report(info.key)
        if group is not None:
            newest[group] = info
    for group, info in sorted(newest.items()):
        report = _json(reports, info.key)
        if report is not None:
            yield group, report


def _checks(infos: Iterable[ObjectInfo], reports: Reads) -> list[dict[str, Any]]:
    """The newest drift reports, oldest first: by the end of their windows, since those may be checked in any order."""
    found = [_json(reports, info.key) for info in _newest(infos, CHECKS)]
    return sorted((report for report in found if report), key=lambda report: report["window"]["until"] or "")


def _measured(reports: Readable, model: str) -> list[dict[str, Any]]:
    """The newest performance report of each of the versions that were measured last, the newest window at the end."""
    newest: dict[str, ObjectInfo] = {}
    infos = _of_cloud(reports, layout.performance_reports(model))
    for info in sorted(infos, key=attrgetter("modified", "key")):
        newest[layout.version_of_report(info.key)] = info
    found = [_json(reports, info.key) for info in reversed(_newest(newest.values(), MEASURED))]
    return sorted((report for report in found if report), key=_last_window)


def _measured_of(reports: Readable, model: str, version: str) -> dict[str, Any] | None:
    """The newest performance report of one version."""
    found = _newest(_of_cloud(reports, f"{layout.performance_reports(model)}{version}-"), 1)
    return _json(reports, found[0].key) if found else None


def _last_window(report: Mapping[str, Any]) -> str:
    return max((window["until"] for window in report["windows"]), default="")


def _fairness(reports: Reads, measured: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    for measurement in measured:
        report = _json(reports, measurement["fairness"]) if measurement["fairness"] else None
        if report is not None:
            yield report


def _alerts(reports: Readable, model: str) -> tuple[tuple[Alert, ...], int]:
    """The newest state of the alerts that changed last, newest first, and how many alerts there are."""
    newest: dict[str, ObjectInfo] = {
        layout.fingerprint_of(info.key): info for info in reports.list(layout.alerts(model))
    }
    states = [Alert.decode(reports.get(info.key).data) for info in _newest(newest.values(), ALERTS)]
    return tuple(sorted(states, key=attrgetter("raised", "fingerprint"), reverse=True)), len(newest)


def _validations(reports: Readable, model: str) -> Iterator[ValidationReport]:
    for info in _newest(reports.list(layout.validation_reports(model)), FILES):
        yield ValidationReport.decode(reports.get(info.key).data)


def _receipts(reports: Readable, model: str) -> Iterator[Receipt]:
    for info in _newest(reports.list(layout.ingest_receipts(model)), FILES):
        yield Receipt.decode(reports.get(info.key).data)


def _rejected(quarantine: Reads, model: str, receipts: Iterable[Receipt]) -> Iterator[tuple[str, Mapping[str, int]]]:
    for receipt in receipts:
        if receipt.rejected:
            report = _json(quarantine, layout.quarantine_report(model, receipt.source)) or {}
            yield receipt.source, report.get("reasons", {})


def _manifests(datasets: Reads, model: str, versions: Iterable[str]) -> Iterator[tuple[str, DatasetManifest]]:
    for version in versions:
        with suppress(NotFound):  # its lifetime is over
            yield version, DatasetManifest.decode(datasets.get(layout.dataset_manifest(model, version)).data)


def _journal(models: Readable, model: str) -> tuple[tuple[Entry, ...], int, int | None]:
    """The newest entries, newest first, how many there are, and the first that does not follow from the one before."""
    keys = [info.key for info in models.list(layout.journal(model))]
    stored = [models.get(key).data for key in keys[-ENTRIES:]]
    entries = [Entry.decode(data) for data in stored]
    before = [None if len(keys) > ENTRIES else "", *map(sha256, stored)]
    broken = (
        entry.number for entry, hashed in zip(entries, before, strict=False) if hashed not in {None, entry.previous}
    )
    return tuple(reversed(entries)), len(keys), next(broken, None)
