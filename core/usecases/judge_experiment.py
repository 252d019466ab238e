"""Judge the challenger of a trial against the champion, by what both answered, and end the trial once it is decided.

A canary that fails more often, is slower or is worse than allowed leaves by itself. With `automatic: true` so does any
challenger, and one that holds in everything is promoted after `promote_after`. Judged again, nothing new is decided.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from math import log

from .. import layout
from ..domain.experiment import Difference, Experiment, compare, compare_metric, of_errors, of_latency
from ..domain.journal import Entry
from ..domain.metrics import Answers
from ..domain.route import Route
from ..errors import Refused
from ..ports import Clock, Reads, ReadsLists, Registry
from ..spec import ModelSpec
from ..tables.trials import Arm, read_trial
from .journal import ReadableJournal, record
from .labels import label_datasets
from .load_model import read_manifest
from .pairs import Pairs
from .promote import ENDED, PROMOTED, current_route, settle

RECENT = 256
"""Entries of the journal that the beginning of a trial is looked for in."""
_DECISION = "settle revision "


def judge_experiment(
    predictions: ReadsLists, models: Registry, datasets: ReadsLists, *, spec: ModelSpec, clock: Clock, code: str
) -> Experiment | None:
    """Measure the trial that is going on, and end it if it is decided; None if there is none. `datasets` has labels."""
    _complete(models, clock, spec.model, code)
    found = measure_experiment(predictions, models, datasets, spec=spec)
    promoted = None if found is None else _decision(found, spec, clock.now())
    if found is None or promoted is None:
        return found
    where = (models, clock, spec.model, found.revision)
    decision = f"{_DECISION}{found.revision}"
    try:
        settle(*where, promoted=promoted, decision=decision, evidence={"experiment": found.to_json()}, code=code)
    except Refused:  # someone has changed the route meanwhile: there is another trial to judge, or none
        return found
    return replace(found, decided=PROMOTED if promoted else ENDED)


def measure_experiment(
    predictions: ReadsLists, models: ReadableJournal, datasets: ReadsLists, *, spec: ModelSpec
) -> Experiment | None:
    """What is known of the trial that is going on; None if there is none."""
    route = current_route(models, spec.model)
    if route is None or route.challenger is None:
        return None
    arms = _arm(models, route, route.champion), _arm(models, route, route.challenger)
    labels = label_datasets(datasets, spec.model)
    ours, theirs = (Pairs(datasets, labels, arm.manifest, spec.seed) for arm in arms)
    began = _began(models, route)
    with ours, theirs:
        seen = _Seen(*arms, ours, theirs)
        for info in predictions.list(layout.realtime_logs(spec.model), _before(spec.model, began)):
            seen.read(predictions, info.key, route.revision)
        differences = seen.differences(spec)
    return Experiment(
        model=spec.model,
        champion=route.champion,
        challenger=route.challenger,
        mode=route.mode,
        share=route.share,
        revision=route.revision,
        began=began or seen.first,
        differences=differences,
    )


@dataclass(slots=True)
class _Seen:
    """What has been read so far of both versions."""

    champion: Arm
    challenger: Arm
    champion_pairs: Pairs
    challenger_pairs: Pairs

    @property
    def first(self) -> str | None:
        """When the first of them answered."""
        return min(filter(None, (self.champion.first, self.challenger.first)), default=None)

    def read(self, predictions: Reads, key: str, revision: int) -> None:
        """Count one log."""
        answered = read_trial(predictions, key, revision, self.champion, self.challenger)
        for pairs, rows in zip((self.champion_pairs, self.challenger_pairs), answered, strict=True):
            if rows is not None:
                pairs.add(rows)

    def differences(self, spec: ModelSpec) -> tuple[Difference, ...]:
        """The metric, the failures and the latency."""
        traffic, ours, theirs = spec.traffic, self.champion, self.challenger
        worse = spec.gates.max_regression if traffic.max_regression is None else traffic.max_regression
        answers = _answers(self.champion_pairs), _answers(self.challenger_pairs)
        slower = log(traffic.max_slowdown)
        return (
            compare_metric(spec.metric, *answers, allowed=worse, fewest=traffic.min_rows, seed=spec.seed),
            compare("errors", of_errors(ours.failed), of_errors(theirs.failed), allowed=traffic.max_errors),
            compare("log latency", *map(of_latency, (ours.milliseconds, theirs.milliseconds)), allowed=slower),
        )


def _answers(pairs: Pairs) -> Answers | None:
    pairs.match()
    return pairs.answers()


def _arm(models: Reads, route: Route, version: str) -> Arm:
    return Arm(read_manifest(models, route.model, version))


def _began(models: ReadableJournal, route: Route) -> str | None:
    """When the journal says that this revision of the route was made; None if it does not say."""
    for info in reversed(list(models.list(layout.journal(route.model)))[-RECENT:]):
        entry = Entry.decode(models.get(info.key).data)
        if entry.evidence.get("revision") == route.revision and entry.evidence.get("challenger") == route.challenger:
            return entry.at
    return None


def _before(model: str, began: str | None) -> str:
    """Behind which key the logs of the trial are: those of the day before it began may end in it."""
    if began is None:
        return ""
    day = datetime.fromisoformat(began).astimezone(UTC).date() - timedelta(days=1)
    return layout.realtime_log(model, day.isoformat(), "")


def _decision(found: Experiment, spec: ModelSpec, now: datetime) -> bool | None:
    """Whether the challenger is promoted (True), leaves (False), or stays where it is (None)."""
    automatic = spec.traffic.automatic
    if found.verdict == "worse" and (automatic or found.mode == "canary"):
        return False
    if found.verdict == "holds" and automatic and found.began is not None:
        return True if now - datetime.fromisoformat(found.began) >= spec.traffic.promote_after else None
    return None


def _complete(models: Registry, clock: Clock, model: str, code: str) -> None:
    """Journal the newest change of the route if it is one of ours: the process that made it may have died."""
    route = current_route(models, model)
    if route is None or not route.changes or not route.changes[-1].decision.startswith(_DECISION):
        return
    change = route.changes[-1]
    earlier = next((each for each in reversed(route.changes[:-1]) if each.challenger), None)
    won = earlier is not None and earlier.challenger == change.champion
    evidence = {"champion": change.champion, "challenger": change.challenger, "revision": change.revision}
    kind = PROMOTED if won else ENDED
    record(models, clock, model, decision=change.decision, kind=kind, evidence=evidence, code=code)
