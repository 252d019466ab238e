"""Compare what was asked and answered with what the serving version learned from, and with the truth where it is known.

An automatic check takes every object of predictions that no earlier check of the version has covered. Its report names
them and is written create-only, so a repeated check finds nothing new. A finished report is the only thing written: a
check that dies before is made again. While there are too few rows, nothing is stored and the rows wait for more.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime

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
from ..tables.predictions import Answered, Times
from .answer_records import read_reference
from .answered import times_of
from .foresight import Foresight
from .labels import label_datasets
from .load_model import read_file, read_manifest
from .pairs import Pairs
from .promote import current_route
from .sources import CloudAnswers, Source


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
    answers = CloudAnswers(predictions, spec.model)
    return check_answers(answers, manifest, models, datasets, reports, spec=spec, code=code, span=span)


def check_answers(
    source: Source,
    manifest: ModelManifest,
    models: Reads,
    datasets: ReadsLists,
    reports: ReadsListsCreates,
    *,
    spec: ModelSpec,
    code: str,
    span: Span,
) -> DriftReport:
    """Check what the version of `manifest` answered, on what is new or on the window that was asked for."""
    profile = Profile.decode(read_file(models, manifest, PROFILE))
    covered = Covered() if span.asked else _covered(reports, manifest, source.group)
    labels = label_datasets(datasets, spec.model)
    fresh = tuple(sorted({dataset.version for dataset in labels} - covered.labels))
    foresight = Foresight(read_reference(models, manifest), manifest, spec)
    with Pairs(datasets, labels, manifest, spec.seed, fresh) as pairs:
        seen = _Seen(Window(profile), span, fresh, pairs, foresight)
        for unit in source.units():
            seen.read(source, unit, manifest, new=unit not in covered.sources)
        report = replace(_report(seen, manifest, spec, code), group=source.group, unusable=source.unusable)
        return _stored(reports, report, spec.drift.min_rows)


@dataclass(slots=True)
class _Seen:
    """What has been read so far: new rows counted, and every row whose truth has become known.

    `fresh` are the datasets of labels that no earlier check has covered.
    """

    window: Window
    span: Span
    fresh: tuple[str, ...]
    pairs: Pairs
    foresight: Foresight
    sources: list[str] = field(default_factory=list)
    times: list[np.datetime64] = field(default_factory=list)

    def read(self, source: Source, unit: str, manifest: ModelManifest, *, new: bool) -> None:
        """Count a new unit; an old one is read only for labels that have come since."""
        if new:
            self.sources.append(unit)
        elif not self.fresh:
            return
        for rows in source.rows(unit, manifest, self.span):
            self.pairs.add(rows, old=not new)
            if new:
                self._count(rows)
                self.foresight.add(rows)

    def _count(self, rows: Answered) -> None:
        self.window = self.window.plus(rows.columns, rows.outputs, _seasonal_times(rows))
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


def _seasonal_times(rows: Answered) -> Times:
    """The model's own time of each row, as training had it; the time of answering where a row has none."""
    return rows.answered_at if rows.times is None else np.where(np.isnat(rows.times), rows.answered_at, rows.times)


def _span(since: datetime | None, until: datetime | None, by: By) -> Span:
    if any(time is not None and time.tzinfo is None for time in (since, until)):
        raise BadInput("a window's times need a zone, such as 2026-05-01T00:00:00Z.")
    if since is not None and until is not None and since >= until:
        raise BadInput(f"a window from {since.isoformat()} to {until.isoformat()} is empty; swap its ends.")
    return Span(since, until, by, asked=since is not None or until is not None)


def _covered(reports: ReadsLists, manifest: ModelManifest, group: str | None) -> Covered:
    covered = Covered()
    for info in reports.list(layout.drift_reports_of(manifest.model, manifest.version)):
        if layout.group_of_report(info.key) == group:
            covered = covered.plus(reports.get(info.key).data)
    return covered


def _report(seen: _Seen, manifest: ModelManifest, spec: ModelSpec, code: str) -> DriftReport:
    enough = spec.drift.min_rows
    profile, pairs = seen.window.profile, seen.pairs.match()
    return DriftReport(
        model=spec.model,
        version=manifest.version,
        span=seen.spanned(),
        rows=seen.window.rows,
        reference_rows=profile.rows,
        comparison=compare(seen.window, spec.drift.rules()),
        performance=_performance(seen, pairs, profile, spec),
        sources=tuple(seen.sources) if seen.span.asked or seen.window.rows >= enough else (),
        labels=seen.fresh if not pairs or pairs >= enough else (),
        code=code,
    )


def _performance(seen: _Seen, pairs: int, profile: Profile, spec: ModelSpec) -> Performance:
    answers = seen.pairs.answers()
    found = None if answers is None else evaluate(answers, seed=spec.seed, metrics=[spec.metric]).get(spec.metric)
    estimated = seen.foresight.estimate()
    return Performance(
        metric=spec.metric,
        reference=profile.performance.get(spec.metric),
        current=None if found is None else asdict(found),
        estimated=None if estimated is None else asdict(estimated),
        labelled=pairs,
        enough=spec.drift.min_rows,
        max_regression=spec.gates.max_regression,
    )


def _nothing(spec: ModelSpec, span: Span, reason: str) -> DriftReport:
    performance = Performance(spec.metric, None, None, 0, spec.drift.min_rows, spec.gates.max_regression)
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
