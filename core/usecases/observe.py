"""What is wrong with a model, and what is right again, as its reports and its journal say."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from .. import layout
from ..domain.alert import Level, Observation
from ..domain.duration import format_duration
from ..domain.journal import Entry
from ..domain.validation import ValidationReport
from ..domain.verdict import Alarm, Verdict
from ..ports import ObjectInfo, ReadsLists
from ..spec import ModelSpec
from .promote import current_route
from .read_once import read_once

RECENT = 40
"""Reports and entries that are looked at: older ones were, when they were new."""

DATASETS, COLUMNS, ROUTE, TRAINING = "datasets", "columns", "route", "training"
"""Subjects of alerts of which a model has one; those on a version have the version as their subject, those on devices
their group."""

LEVEL: Mapping[Alarm, Level] = {"drifted": "warning", "degraded": "critical"}
KIND: Mapping[Alarm, str] = {"drifted": "drift", "degraded": "performance"}


def observe(models: ReadsLists, reports: ReadsLists, spec: ModelSpec, now: datetime) -> Iterator[Observation]:
    """Everything that can be said now, of each thing in the order of time."""
    route = current_route(models, spec.model)
    champion = None if route is None else route.champion
    found = _recent(reports.list(layout.validation_reports(spec.model)))
    validated = [(info, ValidationReport.decode(read_once(reports, info.key))) for info in found]
    for info, report in validated:
        yield from _of_dataset(info, report)
    if spec.freshness is not None and validated:
        yield _of_freshness(validated[-1][0], spec.freshness, now)
    if champion is not None:
        yield from _of_version(reports, spec.model, champion)
    yield from _of_groups(reports, spec.model)
    for entry in _entries(models, spec.model):
        yield from _of_entry(entry, spec.model)


def no_more(kind: str, subject: str, now: datetime) -> Observation:
    """What is said of a version that serves no more."""
    return Observation(kind, subject, wrong=False, level="info", summary="It serves no more.", evidence="", at=now)


def _recent(found: Iterable[ObjectInfo]) -> Sequence[ObjectInfo]:
    """The newest objects, the oldest of them first."""
    return sorted(found, key=lambda info: (info.modified, info.key))[-RECENT:]


def _of_dataset(info: ObjectInfo, report: ValidationReport) -> Iterator[Observation]:
    failed = [check for check in report.checks if not check.passed and check.check in {"rule", "expectation"}]
    level: Level = "info" if report.valid else "warning"
    summary = "; ".join(report.problems or [check.detail for check in failed]) or "The newest dataset is valid."
    wrong = not report.valid or bool(failed)
    told = f"Dataset {report.dataset}: {summary}" if wrong else summary
    yield Observation("data", DATASETS, wrong, level, told, info.key, info.modified)
    if report.valid:
        changed = report.evolution
        breaks = changed is not None and not changed.compatible
        summary = changed.sentence() if changed is not None and breaks else "The columns are as before."
        yield Observation("schema", COLUMNS, breaks, "warning", summary, info.key, info.modified)


def _of_freshness(newest: ObjectInfo, limit: timedelta, now: datetime) -> Observation:
    stale = now - newest.modified > limit
    told = f"No dataset has come since {newest.modified.isoformat(timespec='seconds')}"
    summary = f"{told}, {format_duration(limit)} are allowed." if stale else "Datasets come as they should."
    return Observation("freshness", DATASETS, stale, "warning", summary, newest.key, now)


def _of_version(reports: ReadsLists, model: str, champion: str) -> Iterator[Observation]:
    """What the newest report on the champion says of each alarm; one on labels alone knows of performance better."""
    said: dict[Alarm, Observation] = {}
    for found in _by_group(reports, model):
        newest = _newest(reports, found.get(None, ()), champion)
        if newest is not None:
            said |= {alarm: _of_alarm(alarm, *newest) for alarm in newest[1].judged}
    yield from said.values()


def _of_groups(reports: ReadsLists, model: str) -> Iterator[Observation]:
    """What the newest report on each group of devices says, whichever version they run."""
    said: dict[tuple[str, Alarm], Observation] = {}
    for found in _by_group(reports, model):
        for group, infos in found.items():
            newest = None if group is None else _newest(reports, infos)
            if group is not None and newest is not None:
                judged = newest[1].judged
                said |= {(group, alarm): _of_alarm(alarm, *newest, group=group) for alarm in judged}
    yield from said.values()


def _by_group(reports: ReadsLists, model: str) -> Iterator[Mapping[str | None, Sequence[ObjectInfo]]]:
    """The reports on drift, then those on performance: group of devices, None for the cloud -> its reports."""
    for prefix in (layout.drift_reports(model), layout.performance_reports(model)):
        found: dict[str | None, list[ObjectInfo]] = defaultdict(list)
        for info in reports.list(prefix):
            found[layout.group_of_report(info.key)].append(info)
        yield found


def _newest(
    reports: ReadsLists, found: Iterable[ObjectInfo], version: str | None = None
) -> tuple[ObjectInfo, Verdict] | None:
    """The newest report, on that version if one is named, whose window nobody set."""
    for info in reversed(_recent(found)):
        verdict = Verdict.decode(read_once(reports, info.key))
        if version in {None, verdict.version} and not verdict.asked:
            return info, verdict
    return None


def _of_alarm(alarm: Alarm, info: ObjectInfo, verdict: Verdict, group: str | None = None) -> Observation:
    wrong = alarm in verdict.alarms
    asked, who = "What the model is asked", "of the serving version"
    if group is not None:
        asked, who = (
            f"What devices of group {group} are asked",
            f"of version {verdict.version} on devices of group {group}",
        )
    what = f"{verdict.metric or 'a metric'} {who}" if alarm == "degraded" else asked
    summary = f"{what} {'got worse' if alarm == 'degraded' else 'has drifted'}." if wrong else f"{what} is as it was."
    kind, subject = (KIND[alarm], str(verdict.version)) if group is None else (f"fleet-{KIND[alarm]}", group)
    return Observation(kind, subject, wrong, LEVEL[alarm], summary, info.key, info.modified)


def _entries(models: ReadsLists, model: str) -> Iterator[Entry]:
    for info in list(models.list(layout.journal(model)))[-RECENT:]:
        yield Entry.decode(read_once(models, info.key))


Rule = tuple[str, str, bool, Level]
"""Kind of alert, subject, whether it is wrong, level."""

ENTRIES: Mapping[str, Sequence[Rule]] = {
    "training started": [("budget", TRAINING, False, "info")],
    "training failed": [("training", TRAINING, True, "warning")],
    "kept": [("training", TRAINING, True, "warning")],
    "challenged": [("training", TRAINING, False, "info"), ("trial", ROUTE, False, "info")],
    "promoted": [
        ("training", TRAINING, False, "info"),
        ("trial", ROUTE, False, "info"),
        ("rollback", ROUTE, False, "info"),
    ],
    "challenge ended": [("trial", ROUTE, True, "warning")],
}
"""What each kind of entry says."""


def _of_entry(entry: Entry, model: str) -> Iterator[Observation]:
    rules = list(ENTRIES.get(entry.kind, ()))
    if entry.kind == "training declined" and entry.evidence.get("exhausted"):
        rules.append(("budget", TRAINING, True, "warning"))
    if entry.kind == "rolled back" and entry.evidence.get("by_itself"):
        rules.append(("rollback", ROUTE, True, "critical"))
    for kind, subject, wrong, level in rules:
        key, at = layout.journal_entry(model, entry.number), datetime.fromisoformat(entry.at)
        yield Observation(kind, subject, wrong, level, _sentence(entry), key, at)


SENTENCES: Mapping[str, str] = {
    "kept": "Version {version} was made and does not serve",
    "training failed": "A training failed",
    "training declined": "No training was started",
    "rolled back": "Version {champion} serves again by itself",
    "challenge ended": "The challenger left, version {champion} serves on",
}


def _sentence(entry: Entry) -> str:
    told = SENTENCES.get(entry.kind, entry.kind.capitalize()).format_map(entry.evidence)
    reasons = entry.evidence.get("reasons") or entry.evidence.get("reason") or ""
    why = reasons if isinstance(reasons, str) else "; ".join(map(str, reasons))
    return f"{told}: {why}" if why else f"{told}."
