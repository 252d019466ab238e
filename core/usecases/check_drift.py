"""Compare what was asked and answered with what the serving version learned from, and with the truth where it is known.

An automatic check takes every object of predictions that no earlier check of the version has covered. Its report names
them and is written create-only, so a repeated check finds nothing new. A finished report is the only thing written: a
check that dies before is made again. While there are too few rows, nothing is stored and the rows wait for more.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np

from .. import layout
from ..domain.drift.check import Comparison, Window, compare
from ..domain.drift.report import By, Covered, DriftReport, Performance, Span
from ..domain.metrics import evaluate
from ..domain.model import PROFILE, ModelManifest
from ..domain.profile import Profile
from ..errors import AlreadyExists, BadInput
from ..ports import Reads, ReadsLists, ReadsListsCreates
from ..spec import ModelSpec
from ..tables.predictions import Answered
from .answered import rows_of, times_of, units
from .labels import Labels, Pairs, label_datasets
from .load_model import read_file, read_manifest
from .promote import current_route


def check_drift(
    predictions: ReadsLists,
    models: Reads,
    datasets: ReadsLists,
    reports: ReadsListsCreates,
    *,
    spec: ModelSpec,
    code: str,
    since: datetime | None = None,
    until: datetime | None = None,
    by: By = "answered",
) -> DriftReport:
    """Check the serving version on what is new, or on the window from `since` up to and without `until`.

    `datasets` has the labels. Raises BadInput when asked for a window of times that the model does not have.
    """
    span = _span(since, until, by)
    route = current_route(models, spec.model)
    if route is None:
        return _nothing(spec, span, f"no version of model {spec.model} serves yet")
    manifest = read_manifest(models, spec.model, route.champion)
    if by == "time" and manifest.schema.time is None:
        raise BadInput(
            f"model {spec.model} has no time column to window by; declare `time:` or use the answering time."
        )
    profile = Profile.decode(read_file(models, manifest, PROFILE))
    covered = Covered() if span.asked else _covered(reports, manifest)
    known = _labels(datasets, spec.model, covered)
    seen = _Seen(Window(profile), span)
    for unit in units(predictions, spec.model):
        seen.read(predictions, unit, manifest, known, new=unit not in covered.sources)
    return _stored(reports, _report(seen, manifest, spec, known, code), spec.drift.min_rows)


@dataclass(slots=True)
class _Known:
    """Labels, and which datasets of them are new; `new` holds those alone."""

    every: Labels
    new: Labels
    fresh: tuple[str, ...]


@dataclass(slots=True)
class _Seen:
    """What has been read so far: new rows counted, and every row whose truth has become known."""

    window: Window
    span: Span
    pairs: Pairs = field(default_factory=Pairs)
    sources: list[str] = field(default_factory=list)
    times: list[np.datetime64] = field(default_factory=list)

    def read(self, predictions: Reads, unit: str, manifest: ModelManifest, known: _Known, *, new: bool) -> None:
        """Count a new unit; an old one is read only for labels that have come since."""
        if new:
            self.sources.append(unit)
        elif not known.fresh:
            return
        for rows in rows_of(predictions, unit, manifest, self.span):
            self.pairs.add(rows, known.every if new else known.new)
            if new:
                self._count(rows)

    def _count(self, rows: Answered) -> None:
        self.window = self.window.plus(rows.columns, rows.outputs)
        times = times_of(rows, self.span)
        times = times[~np.isnat(times)]
        if len(times):
            self.times = [min([*self.times, times.min()]), max([*self.times, times.max()])]

    def spanned(self) -> Span:
        """As asked for, or from the first answer to the last."""
        if self.span.asked or not self.times:
            return self.span
        since, until = (time.astype("datetime64[us]").item().replace(tzinfo=UTC) for time in self.times)
        return replace(self.span, since=since, until=until)


def _span(since: datetime | None, until: datetime | None, by: By) -> Span:
    if any(time is not None and time.tzinfo is None for time in (since, until)):
        raise BadInput("a window's times need a zone, such as 2026-05-01T00:00:00Z.")
    if since is not None and until is not None and since >= until:
        raise BadInput(f"a window from {since.isoformat()} to {until.isoformat()} is empty; swap its ends.")
    return Span(since, until, by, asked=since is not None or until is not None)


def _covered(reports: ReadsLists, manifest: ModelManifest) -> Covered:
    covered = Covered()
    for info in reports.list(layout.drift_reports_of(manifest.model, manifest.version)):
        covered = covered.plus(reports.get(info.key).data)
    return covered


def _labels(datasets: ReadsLists, model: str, covered: Covered) -> _Known:
    every, new, fresh = Labels(), Labels(), []
    for manifest in label_datasets(datasets, model):
        every.add(datasets, manifest)
        if manifest.version not in covered.labels:
            new.add(datasets, manifest)
            fresh.append(manifest.version)
    return _Known(every, new, tuple(sorted(fresh)))


def _report(seen: _Seen, manifest: ModelManifest, spec: ModelSpec, known: _Known, code: str) -> DriftReport:
    enough = spec.drift.min_rows
    profile, pairs = seen.window.profile, len(seen.pairs)
    return DriftReport(
        model=spec.model,
        version=manifest.version,
        span=seen.spanned(),
        rows=seen.window.rows,
        reference_rows=profile.rows,
        comparison=compare(seen.window, enough),
        performance=_performance(seen.pairs, profile, spec),
        sources=tuple(seen.sources) if seen.span.asked or seen.window.rows >= enough else (),
        labels=known.fresh if not pairs or pairs >= enough else (),
        code=code,
    )


def _performance(pairs: Pairs, profile: Profile | None, spec: ModelSpec) -> Performance:
    current: dict[str, Any] | None = None
    if profile is not None and len(pairs):
        found = evaluate(pairs.answers(profile.classes), seed=spec.seed, metrics=[spec.metric]).get(spec.metric)
        current = None if found is None else asdict(found)
    return Performance(
        metric=spec.metric,
        reference=None if profile is None else profile.performance.get(spec.metric),
        current=current,
        labelled=len(pairs),
        enough=spec.drift.min_rows,
        max_regression=spec.gates.max_regression,
    )


def _nothing(spec: ModelSpec, span: Span, reason: str) -> DriftReport:
    performance = _performance(Pairs(), None, spec)
    return DriftReport(spec.model, None, span, 0, 0, Comparison((), ()), performance, reason=reason)


def _stored(reports: ReadsListsCreates, report: DriftReport, enough: int) -> DriftReport:
    reason = _too_little(report, enough)
    if reason:
        return replace(report, reason=reason)
    key = layout.drift_report(report.model, report.window)
    with suppress(AlreadyExists):  # the same check, made before or beside this one
        reports.create(key, report.encode())
    return replace(report, key=key)


def _too_little(report: DriftReport, enough: int) -> str | None:
    """Why there is nothing to store yet, or None."""
    if report.span.asked:
        return None if report.rows else "nothing was answered in this window"
    if report.rows >= enough or (report.labels and report.performance.labelled >= enough):
        return None
    if not report.rows:
        return f"version {report.version} has answered nothing since the last check"
    return f"{report.rows:,} rows are new, {enough:,} make a check: they wait for more"
