"""Let an earlier version serve again when the champion got worse and the earlier one answers the same rows better.

Where the world has changed for both, going back helps nobody: so both versions answer the newest rows whose truth is
known, and the earlier one must be better beyond noise. The verdict is stored before the route is changed. A version
that was relieved does not come back by itself before `rollback_when.cooldown` has passed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from .. import layout
from ..domain.comparison import Comparison, compare
from ..domain.duration import format_duration
from ..domain.journal import Entry
from ..domain.metrics import answers
from ..domain.model import ModelManifest
from ..domain.rollback import RollbackVerdict
from ..domain.route import Route
from ..domain.verdict import Verdict
from ..errors import AlreadyExists, NotFound, Refused
from ..ports import Clock, Lists, LoadPredictor, Reads, ReadsLists, Registry
from ..spec import ModelSpec
from .journal import record
from .judge_version import strange_to, widened
from .labelled_rows import LabelledRows, newest_labelled
from .load_model import load_version, read_manifest
from .promote import current_route, relieve
from .read_once import read_once

MOST_ROWS = 20_000
"""Labelled rows that are judged by: the newest."""
MOST_VERSIONS = 3
"""Earlier versions that are looked at, the newest first."""


def judge_rollback(
    predictions: ReadsLists,
    models: Registry,
    datasets: ReadsLists,
    reports: Reads,
    *,
    report: str,
    spec: ModelSpec,
    load: LoadPredictor,
    clock: Clock,
    code: str,
) -> RollbackVerdict | None:
    """Judge after the performance report at key `report`, and act; None where there is nothing to judge."""
    stored = _stored(models, spec.model, report)
    if stored is None:
        judging = _judging(models, reports, spec, report, clock.now())
        if judging is None:
            return None
        rows = newest_labelled(predictions, datasets, judging.manifest, spec.performance.history, MOST_ROWS)
        stored = _first(models, judging.verdict(models, rows, load))
    _act(models, clock, stored, code)
    return stored


def _judging(models: Registry, reports: Reads, spec: ModelSpec, report: str, now: datetime) -> _Judging | None:
    """What is to be judged: a champion whose own report says that it got worse, by its answers in the cloud."""
    if layout.group_of_report(report) is not None:
        return None
    verdict = Verdict.decode(reports.get(report).data)
    route = current_route(models, spec.model)
    if not spec.rollback_when.performance or "degraded" not in verdict.alarms or verdict.asked:
        return None
    if route is None or verdict.version != route.champion:
        return None
    relieved = _relieved(models, spec.model, now - spec.rollback_when.cooldown)
    return _Judging(spec, report, route, read_manifest(models, spec.model, route.champion), frozenset(relieved))


@dataclass(frozen=True, slots=True)
class _Judging:
    """One champion, and the versions that were relieved so lately that they do not come back."""

    spec: ModelSpec
    report: str
    route: Route
    manifest: ModelManifest
    relieved: frozenset[str]

    def verdict(self, models: Reads, rows: LabelledRows | None, load: LoadPredictor) -> RollbackVerdict:
        """The first of the earlier versions that is better beyond noise, or why there is none."""
        judged: dict[str, Any] = {}
        for version in self.route.earlier[:MOST_VERSIONS]:
            found = self._against(models, version, rows, load)
            judged[version] = found if isinstance(found, str) else asdict(found)
            if isinstance(found, Comparison) and found.gain_low > 0:
                reason = f"{version} has {found.metric} {found.candidate:.4g} where {found.champion:.4g} serves"
                return self._said(version, f"{reason}, on the same {found.rows:,} rows", judged)
        return self._said(None, _why_none(judged), judged)

    def _said(self, successor: str | None, reason: str, judged: Mapping[str, Any]) -> RollbackVerdict:
        return RollbackVerdict(self.spec.model, self.report, self.route.champion, successor, reason, judged)

    def _against(self, models: Reads, version: str, rows: LabelledRows | None, load: LoadPredictor) -> Comparison | str:
        """The comparison of an earlier version with the champion, or why there is none."""
        if version in self.relieved:
            return f"it was relieved itself within {format_duration(self.spec.rollback_when.cooldown)}"
        known = 0 if rows is None else len(rows)
        if rows is None or known < self.spec.drift.min_rows:
            return f"{known:,} labelled rows, {self.spec.drift.min_rows:,} are needed"
        strange = strange_to(read_manifest(models, self.spec.model, version).schema, self.manifest.schema)
        if strange:
            return f"it cannot answer these rows: {strange}"
        earlier = load_version(models, self.spec.model, version, load)
        outputs = earlier.predictor.predict(rows.columns)
        classes = sorted({*earlier.manifest.classes, *self.manifest.classes})
        pair = [
            answers(rows.truth, widened(each, had, classes), classes)
            for each, had in ((outputs, earlier.manifest.classes), (rows.outputs, self.manifest.classes))
        ]
        found = compare(self.spec.metric, pair[0], pair[1], seed=self.spec.seed)
        return found or f"the rows cannot determine {self.spec.metric} of both"


def _why_none(judged: Mapping[str, Any]) -> str:
    if not judged:
        return "there is no earlier version"
    told = {version: found if isinstance(found, str) else "it is not better" for version, found in judged.items()}
    return "; ".join(f"{version}: {why}" for version, why in told.items())


def _relieved(models: ReadsLists, model: str, since: datetime) -> Iterator[str]:
    """Versions that were relieved by themselves since then."""
    for entry in _entries_since(models, model, since):
        if entry.kind == "rolled back" and entry.evidence.get("by_itself"):
            yield str(entry.evidence["relieved"])


def _entries_since(models: ReadsLists, model: str, since: datetime) -> Iterator[Entry]:
    """The newest first."""
    for key in reversed(_keys(models, layout.journal(model))):
        entry = Entry.decode(read_once(models, key))
        if datetime.fromisoformat(entry.at) < since:
            return
        yield entry


def _keys(store: Lists, prefix: str) -> Sequence[str]:
    return [info.key for info in store.list(prefix)]


def _stored(models: Reads, model: str, report: str) -> RollbackVerdict | None:
    try:
        return RollbackVerdict.decode(models.get(layout.rollback_verdict(model, report)).data)
    except NotFound:
        return None


def _first(models: Registry, verdict: RollbackVerdict) -> RollbackVerdict:
    """Store the verdict, or find the one that was stored meanwhile: that one stands."""
    key = layout.rollback_verdict(verdict.model, verdict.report)
    try:
        models.create(key, verdict.encode())
    except AlreadyExists:
        return RollbackVerdict.decode(models.get(key).data)
    return verdict


def _act(models: Registry, clock: Clock, verdict: RollbackVerdict, code: str) -> None:
    """Do what the verdict says; done again it changes nothing."""
    decision = f"rollback by {verdict.report}"
    evidence: dict[str, Any] = {"report": verdict.report, "reason": verdict.reason, "judged": verdict.judged}
    if verdict.successor is None:
        record(models, clock, verdict.model, decision=decision, kind="rollback declined", evidence=evidence, code=code)
        return
    evidence |= {"by_itself": True, "relieved": verdict.champion}
    try:
        relieve(
            *(models, clock, verdict.model, verdict.champion, verdict.successor),
            decision=decision,
            evidence=evidence,
            code=code,
        )
    except Refused:  # someone has changed the route meanwhile: there is nothing to relieve
        return
