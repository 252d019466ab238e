"""The training trigger, on stores in memory: started once, resumed when cut short, and always with a reason."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from core import layout
from core.adapters.store_memory import MemoryStore
from core.domain.checks.check import Check
from core.domain.dataset import DatasetManifest, Source
from core.domain.evolution import Evolution, SchemaChange
from core.domain.training import Claim
from core.domain.validation import ValidationReport
from core.errors import BadInput
from core.spec import ModelSpec
from core.usecases.journal import entries
from core.usecases.promote import promote
from core.usecases.trigger_training import BY_HAND, LEASE, SCHEDULE, trigger_training

SPEC = ModelSpec.model_validate(
    {"model": "m", "task": "binary", "target": "y", "features": [{"name": "x", "type": "number"}]}
)


class Clock:
    def __init__(self):
        self.time = datetime(2026, 3, 1, 12, tzinfo=UTC)

    def now(self):
        return self.time


class Jobs:
    """Starts each name once, as the port asks."""

    def __init__(self):
        self.started = {}

    def start(self, job, name, arguments):
        self.started.setdefault(name, (job, arguments))


class World:
    def __init__(self):
        self.models, self.datasets, self.reports = MemoryStore(), MemoryStore(), MemoryStore()
        self.clock, self.jobs = Clock(), Jobs()

    def data(self, version, rows, *, valid=True, spec=SPEC):
        source = Source(f"m/rows/{version}.csv", "1", "0" * 64)
        manifest = DatasetManifest("m", version, "rows", source, spec.columns, rows, 0, (), "c")
        self.datasets.create(layout.dataset_manifest("m", version), manifest.encode())
        key = layout.validation_report("m", version)
        check = Check("values", "x", "error", valid, "x is missing in 3 rows")
        self.reports.create(key, ValidationReport("m", version, rows, (check,), "c").encode())
        return key

    def drift(self, name, version, *, drifted=True, degraded=False):
        key = layout.drift_report("m", name)
        report = {"format": 1, "version": version, "drifted": drifted, "performance": {"degraded": degraded}}
        self.reports.create(key, json.dumps(report).encode())
        return key

    def serve(self, version):
        self.models.create(layout.model_manifest("m", version), b"{}")
        promote(self.models, self.clock, "m", version, decision=f"train {version}", evidence={}, code="c")

    def end(self, training):
        self.models.create(layout.training_result("m", training), b"{}")

    def ask(self, cause=SCHEDULE, spec=SPEC):
        return trigger_training(
            self.models, self.datasets, self.reports, self.jobs, self.clock, spec, cause=cause, code="c"
        )

    def journal(self):
        return [json.loads(data)["kind"] for data in entries(self.models, "m")]


@pytest.fixture
def world():
    return World()


def test_enough_new_rows_start_one_job_and_a_repeated_event_starts_nothing(world):
    world.data("a", 600)
    cause = world.data("b", 400)
    first, again = world.ask(cause), world.ask(cause)
    assert first.answer.reason == "1,000 new rows (1,000 asked for)"
    assert first.job == again.job
    assert list(world.jobs.started.values()) == [("train", {"model": "m", "training": first.training})]
    assert world.journal() == ["training started"]


def test_the_claim_tells_the_job_all_that_it_needs(world):
    world.data("b", 600)
    world.ask(world.data("a", 400))
    claim = Claim.decode(world.models.get(next(iter(world.models.list(layout.claims("m")))).key).data)
    assert claim.datasets == ("b", "a"), "in order of arrival"
    assert ModelSpec.model_validate(claim.spec) == SPEC


def test_the_order_of_events_does_not_matter(world):
    other = World()
    causes = [world.data("a", 600), world.data("b", 600)]
    for name in ("a", "b"):
        other.data(name, 600)
    for cause in causes:
        world.ask(cause)
    for cause in reversed(causes):
        other.ask(cause)
    assert list(world.jobs.started) == list(other.jobs.started)
    assert sorted(world.journal()) == sorted(other.journal()) == ["training declined", "training started"]


def test_too_few_rows_are_declined_once_with_the_reason(world):
    cause = world.data("a", 10)
    for _ in range(2):
        assert world.ask(cause).answer.reason == "10 of 1,000 new rows"
    assert world.journal() == ["training declined"]
    assert not world.jobs.started


def test_invalid_data_and_data_of_other_columns_are_never_learned_from(world):
    other = SPEC.model_copy(update={"target": "z"})
    world.data("a", 5000, valid=False)
    world.data("b", 5000, spec=other)
    outcome = world.ask()
    assert not outcome.answer.train
    assert "1 have other columns" in outcome.answer.reason
    with pytest.raises(BadInput, match=r"1 dataset was found invalid because x .*; mend the files and drop them again"):
        world.ask(BY_HAND)


def test_without_any_dataset_rows_are_asked_for(world):
    with pytest.raises(BadInput, match=r"^there is no valid dataset to learn from; drop rows first\.$"):
        world.ask(BY_HAND)


def test_invalid_datasets_are_counted_and_the_last_to_arrive_says_why(world):
    for name in ("c", "b"):
        world.data(name, 50, valid=False)
    cause = world.data("a", 50, valid=False)
    told = f"3 datasets were found invalid, the last because x is missing in 3 rows (see reports/{cause})"
    assert world.ask(cause).answer.reason == f"no valid dataset: {told}"
    with pytest.raises(BadInput) as error:
        world.ask(BY_HAND)
    assert str(error.value) == (f"there is no valid dataset to learn from: {told}; mend the files and drop them again.")


def test_small_datasets_train_together_once_they_have_rows_enough(world):
    eager = SPEC.model_copy(update={"train_when": SPEC.train_when.model_copy(update={"rows": 1})})
    declined = world.ask(world.data("a", 12), eager)
    assert declined.answer.reason == "12 valid rows in all, at least 20 are needed"
    assert not world.jobs.started
    assert world.ask(world.data("b", 8), eager).job in world.jobs.started


def test_a_schedule_that_finds_nothing_to_do_leaves_no_trace(world):
    world.data("a", 10)
    world.ask(SCHEDULE)
    assert world.journal() == []


def test_a_job_that_was_claimed_and_not_started_is_started_by_the_repeated_event(world):
    cause = world.data("a", 5000)
    world.ask(cause)
    world.jobs.started.clear()
    world.ask(cause)
    assert len(world.jobs.started) == 1


def test_a_job_that_died_is_started_anew_when_its_lease_has_run_out(world):
    cause = world.data("a", 5000)
    first = world.ask(cause)
    world.clock.time += LEASE
    second = world.ask(cause)
    assert first.training == second.training
    assert (first.job[-2:], second.job[-2:]) == ("-1", "-2")


def test_a_training_that_ended_is_not_started_again(world):
    cause = world.data("a", 5000)
    world.end(world.ask(cause).training)
    world.clock.time += 2 * LEASE
    outcome = world.ask(cause)
    assert outcome.job is None
    assert "done already" in outcome.answer.reason


def test_drift_of_the_serving_version_is_heeded_once(world):
    world.data("a", 5000)
    world.end(world.ask().training)
    world.serve("v1")
    world.clock.time += timedelta(days=1)
    world.data("b", 10)
    world.drift("old", "v0")
    cause = world.drift("new", "v1")
    assert world.ask(cause).answer.reason == f"drift found by {cause}"
    world.clock.time += timedelta(days=1)
    world.data("c", 10)
    assert not world.ask().answer.train


def test_by_hand_trains_whatever_the_rules_say(world):
    world.data("a", 1)
    outcome = world.ask(BY_HAND)
    assert outcome.answer.reason == "asked for by hand"
    assert outcome.job in world.jobs.started


# budget, performance reports, and schemas that change


def with_budget(budget):
    return ModelSpec.model_validate(
        {**SPEC.model_dump(mode="json"), "train_when": {"rows": 100, "cooldown": "0s", "budget": budget}}
    )


def test_trainings_that_nobody_asked_for_stay_within_the_budget(world):
    spec = with_budget("2 per 7d")
    for number in range(2):
        cause = world.data(f"d{number}", 100)
        assert world.ask(cause, spec=spec).answer.train
        world.clock.time += timedelta(days=1)
    cause = world.data("d2", 100)
    declined = world.ask(cause, spec=spec).answer
    assert (declined.train, declined.exhausted) == (False, True)
    assert declined.reason.startswith(
        "the budget of 2 per 7d is spent until 2026-03-08T12:00:00+00:00, then: 100 new rows"
    )
    assert world.ask(BY_HAND, spec=spec).answer.train
    world.clock.time += timedelta(days=5)
    world.data("d3", 100)
    assert world.ask(SCHEDULE, spec=spec).answer.train


def test_a_performance_report_on_the_serving_version_makes_it_train_once(world):
    world.data("a", 5000)
    world.end(world.ask().training)
    world.serve("v1")
    world.data("b", 10)
    key = layout.performance_report("m", "v1-w")
    report = {"format": 1, "kind": "performance", "version": "v1", "degraded": True, "metric": "roc_auc", "current": {}}
    world.reports.create(key, json.dumps(report).encode())
    world.clock.time += timedelta(hours=2)
    outcome = world.ask(key)
    assert outcome.answer.reason == f"lost performance found by {key}"
    world.clock.time += timedelta(hours=2)
    assert not world.ask(SCHEDULE).answer.train


def test_that_columns_changed_is_journalled_once_with_whether_it_breaks(world):
    change = SchemaChange("x", "may be null now", compatible=True)
    report = ValidationReport("m", "b", 10, (), "c", Evolution("a", (change,)))
    source = Source("m/rows/b.csv", "1", "0" * 64)
    manifest = DatasetManifest("m", "b", "rows", source, SPEC.columns, 10, 0, (), "c")
    world.datasets.create(layout.dataset_manifest("m", "b"), manifest.encode())
    key = layout.validation_report("m", "b")
    world.reports.create(key, report.encode())
    for _ in range(2):
        world.ask(key)
    found = [json.loads(data) for data in entries(world.models, "m")]
    (entry,) = [entry for entry in found if entry["kind"] == "schema changed"]
    assert entry["evidence"] == {
        "dataset": "b",
        "since": "a",
        "compatible": True,
        "changes": [{"column": "x", "change": "may be null now", "compatible": True}],
    }


def test_that_there_is_nothing_new_to_learn_from_is_journalled(world):
    world.data("a", 5000)
    world.end(world.ask().training)
    world.serve("v1")
    world.clock.time += timedelta(hours=2)
    cause = world.drift("v1-w", "v1")
    for _ in range(2):
        assert "is done already" in world.ask(cause).answer.reason
    assert world.journal().count("training declined") == 1
