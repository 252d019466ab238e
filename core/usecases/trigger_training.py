"""Decide whether to train, say why, take the claim and start the job.

The decision is made from what is stored, never from the event, which only wakes it: events that come twice, late or
in another order lead to the same training. Only of rows with the same id and the same time, or without times, the one
counts whose dataset was judged last. The claim makes sure that one training is started once; its lease lets another
take over when the job died without a word.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from .. import layout
from ..domain.checks.check import MIN_ROWS
from ..domain.dataset import DatasetManifest
from ..domain.training import Answer, Claim, Facts, Rules, decide, training_id
from ..domain.validation import ValidationReport
from ..domain.verdict import Verdict
from ..errors import AlreadyExists, BadInput, NotFound, VersionMismatch
from ..ports import Clock, JobRunner, Reads, ReadsLists, Registry
from ..spec import ModelSpec
from .journal import record
from .promote import current_route
from .read_once import read_once
from .verdicts import Verdicts, read_verdicts

BY_HAND = "by hand"
SCHEDULE = "schedule"
LEASE = timedelta(hours=6)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was decided. `training` and `job` are None when nothing was started or resumed."""

    answer: Answer
    training: str | None = None
    job: str | None = None


@dataclass(frozen=True, slots=True)
class _Data:
    """Every valid dataset of the spec's schema in order of arrival, their rows, and those that no training has seen."""

    datasets: tuple[str, ...]
    rows: int
    new_rows: int
    other_schema: int
    verdicts: Verdicts


def trigger_training(
    models: Registry,
    datasets: Reads,
    reports: ReadsLists,
    jobs: JobRunner,
    clock: Clock,
    spec: ModelSpec,
    *,
    cause: str,
    code: str,
) -> Outcome:
    """Decide and act. `cause` is the key of the report that woke it, BY_HAND or SCHEDULE.

    Raises BadInput when asked by hand and there is no valid data to learn from.
    """
    claims = list(_claims(models, spec.model))
    asked = next((claim for claim in claims if claim.cause == cause and cause not in {BY_HAND, SCHEDULE}), None)
    if asked is not None:
        return _start(models, jobs, clock, asked, Answer(train=True, reason=asked.reason), code)
    _journal_evolution(models, reports, clock, spec.model, cause, code)
    data = _data(datasets, reports, spec, claims)
    facts = _facts(models, reports, clock, spec, claims, data, by_hand=cause == BY_HAND)
    answer = _answer(facts, spec, data)
    if not answer.train:
        _journal_refusal(models, clock, spec.model, cause, answer, code)
        return Outcome(answer)
    heeded = tuple(key for key in (facts.drifted, facts.degraded) if key)
    claim = _claim(models, clock, spec, data.datasets, cause, answer.reason, heeded, code)
    outcome = _start(models, jobs, clock, claim, answer, code)
    if not outcome.answer.train:
        _journal_refusal(models, clock, spec.model, cause, outcome.answer, code)
    return outcome


def _journal_evolution(models: Registry, reports: Reads, clock: Clock, model: str, cause: str, code: str) -> None:
    """Journal that the dataset of a validation report has other columns than the valid one before it."""
    if not cause.startswith(layout.validation_reports(model)):
        return
    report = ValidationReport.decode(read_once(reports, cause))
    if report.evolution is None:
        return
    told = asdict(report.evolution)
    evidence = {"dataset": report.dataset, "compatible": report.evolution.compatible, **told}
    decision = f"schema of {report.dataset}"
    record(models, clock, model, decision=decision, kind="schema changed", evidence=evidence, code=code)


def _answer(facts: Facts, spec: ModelSpec, data: _Data) -> Answer:
    """What the rules say, unless there is too little to learn from; by hand, too few rows fail in the training."""
    if not data.datasets:
        return _nothing_to_learn(data, by_hand=facts.by_hand)
    answer = decide(facts, _rules(spec))
    if answer.train and not facts.by_hand and data.rows < MIN_ROWS:
        return Answer(train=False, reason=f"{data.rows} valid rows in all, at least {MIN_ROWS} are needed")
    return answer


def _nothing_to_learn(data: _Data, *, by_hand: bool) -> Answer:
    reason, mend = "no valid dataset", "drop rows first"
    if data.other_schema:
        reason += f" of the spec's columns ({data.other_schema} have other columns: drop their files again)"
    why = ""
    if data.verdicts.invalid:
        why, mend = f": {data.verdicts.complaint()}", "mend the files and drop them again"
    if by_hand:
        raise BadInput(f"there is {reason} to learn from{why}; {mend}.")
    return Answer(train=False, reason=f"{reason}{why}")


def _rules(spec: ModelSpec) -> Rules:
    when = spec.train_when
    return Rules(when.rows, when.drift, when.performance, when.every, when.cooldown, when.budget)


def _facts(
    models: Reads,
    reports: ReadsLists,
    clock: Clock,
    spec: ModelSpec,
    claims: list[Claim],
    data: _Data,
    *,
    by_hand: bool,
) -> Facts:
    heeded = {key for claim in claims for key in claim.heeded}
    found = _alarms(models, reports, spec.model, heeded)
    return Facts(
        now=clock.now(),
        new_rows=data.new_rows,
        last=max((datetime.fromisoformat(claim.taken) for claim in claims), default=None),
        by_itself=tuple(datetime.fromisoformat(claim.taken) for claim in claims if claim.cause != BY_HAND),
        drifted=found.get("drifted"),
        degraded=found.get("degraded"),
        by_hand=by_hand,
    )


def _alarms(models: Reads, reports: ReadsLists, model: str, heeded: set[str]) -> dict[str, str]:
    """The first report on the serving version that no training has heeded, for each kind of alarm."""
    route = current_route(models, model)
    found: dict[str, str] = {}
    keys = (info.key for prefix in _judgements(model) for info in reports.list(prefix))
    for key in keys:
        if key in heeded:
            continue
        report = Verdict.decode(read_once(reports, key))
        if route is None or report.version != route.champion:
            continue
        for alarm in report.alarms:
            found.setdefault(alarm, key)
    return found


def _judgements(model: str) -> tuple[str, str]:
    """Prefixes of the reports on what a version answered."""
    return layout.drift_reports(model), layout.performance_reports(model)


def _data(datasets: Reads, reports: ReadsLists, spec: ModelSpec, claims: list[Claim]) -> _Data:
    seen = {version for claim in claims for version in claim.datasets}
    verdicts = read_verdicts(reports, spec.model)
    usable, rows, new_rows, other_schema = [], 0, 0, 0
    for version in verdicts.valid:
        manifest = DatasetManifest.decode(read_once(datasets, layout.dataset_manifest(spec.model, version)))
        if manifest.schema != spec.columns:
            other_schema += 1
            continue
        usable.append(version)
        rows += manifest.rows
        new_rows += 0 if version in seen else manifest.rows
    return _Data(tuple(usable), rows, new_rows, other_schema, verdicts)


def _claims(models: Registry, model: str) -> Iterator[Claim]:
    for info in models.list(layout.claims(model)):
        if layout.is_claim(info.key):
            yield Claim.decode(models.get(info.key).data)


def _claim(
    models: Registry,
    clock: Clock,
    spec: ModelSpec,
    datasets: tuple[str, ...],
    cause: str,
    reason: str,
    heeded: tuple[str, ...],
    code: str,
) -> Claim:
    """Take the claim, or find the one that was taken for this very training."""
    now = clock.now()
    training = training_id(datasets, spec.learning(), code)
    whole: dict[str, Any] = spec.model_dump(mode="json")
    taken, until = now.isoformat(), (now + LEASE).isoformat()
    claim = Claim(spec.model, training, datasets, whole, cause, reason, heeded, taken, until)
    key = layout.claim(spec.model, training)
    try:
        models.create(key, claim.encode())
    except AlreadyExists:
        return Claim.decode(models.get(key).data)
    return claim


def _start(models: Registry, jobs: JobRunner, clock: Clock, claim: Claim, answer: Answer, code: str) -> Outcome:
    """Start the claim's job, unless it has ended; a job that was started already starts nothing."""
    if _ended(models, claim):
        return Outcome(Answer(train=False, reason=f"training {claim.training} is done already"), claim.training)
    claim = _renewed(models, clock, claim)
    jobs.start("train", claim.job, {"model": claim.model, "training": claim.training})
    evidence = {"training": claim.training, "reason": claim.reason, "datasets": sorted(claim.datasets)}
    decision = f"training {claim.job}"
    record(models, clock, claim.model, decision=decision, kind="training started", evidence=evidence, code=code)
    return Outcome(answer, claim.training, claim.job)


def _ended(models: Reads, claim: Claim) -> bool:
    try:
        models.head(layout.training_result(claim.model, claim.training))
    except NotFound:
        return False
    return True


def _renewed(models: Registry, clock: Clock, claim: Claim) -> Claim:
    """The claim, with another attempt if its lease has run out; of many who see that, one renews it."""
    now = clock.now()
    if now < datetime.fromisoformat(claim.until):
        return claim
    blob = models.get(layout.claim(claim.model, claim.training))
    stored = Claim.decode(blob.data)
    if stored.attempt != claim.attempt:
        return stored
    renewed = replace(stored, attempt=stored.attempt + 1, until=(now + LEASE).isoformat())
    try:
        models.replace(blob.info.key, renewed.encode(), blob.info.version)
    except VersionMismatch:
        return Claim.decode(models.get(blob.info.key).data)
    return renewed


def _journal_refusal(models: Registry, clock: Clock, model: str, cause: str, answer: Answer, code: str) -> None:
    """Journal why not, once for each report; a schedule that finds nothing to do is no decision."""
    if cause != SCHEDULE:
        evidence = {"cause": cause, "reason": answer.reason, "exhausted": answer.exhausted}
        record(
            models, clock, model, decision=f"declined {cause}", kind="training declined", evidence=evidence, code=code
        )
