"""Alerts from reports and journal: told once, by the same id after a crash, and over when the next report is fine."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from core import layout
from core.adapters.store_memory import MemoryStore
from core.domain.checks.check import Check
from core.domain.evolution import Evolution, SchemaChange
from core.domain.route import Route
from core.domain.validation import ValidationReport
from core.errors import NotFound, Permanent, Transient
from core.ports import ObjectInfo
from core.spec import ModelSpec
from core.usecases.alert import acknowledge, alert, read_alerts, resolve
from core.usecases.journal import record
from tests.faults import Counter, Died, FailingStore

SPEC = ModelSpec.model_validate(
    {"model": "m", "task": "binary", "target": "y", "time": "at", "features": [{"name": "x", "type": "number"}]}
)
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Clock:
    def __init__(self):
        self.time = NOON

    def now(self):
        return self.time


class TimedStore(MemoryStore):
    """Its objects are as old as the world's clock says."""

    def __init__(self, clock):
        super().__init__()
        self.clock, self.times = clock, {}

    def create(self, key, data):
        info = super().create(key, data)
        self.times[key] = self.clock.now()
        return info

    def list(self, prefix, after=""):
        return (
            ObjectInfo(info.key, info.size, info.version, self.times.get(info.key, NOON))
            for info in super().list(prefix, after)
        )


class Receiver:
    """Notes what it is told; refuses while `away`."""

    def __init__(self):
        self.told, self.away = [], None

    def publish(self, notice):
        if self.away is not None:
            raise self.away
        self.told.append(notice)

    def changes(self):
        return [f"{notice.data['kind']} {notice.data['change']}" for notice in self.told]


class World:
    def __init__(self):
        self.clock, self.receiver, self.other = Clock(), Receiver(), Receiver()
        self.models, self.reports = TimedStore(self.clock), TimedStore(self.clock)
        self.publishers = {"one": self.receiver}
        self.spec = SPEC

    def serve(self, version="v1"):
        self.models.put(layout.route("m"), Route("m", version).encode())

    def drift(self, *, drifted=True, version="v1", name=None, asked=False):
        self.clock.time += timedelta(minutes=1)
        report = {"format": 1, "version": version, "drifted": drifted, "asked": asked, "performance": {"current": None}}
        key = layout.drift_report("m", name or f"{version}-{self.clock.time.timestamp():.0f}")
        self.reports.create(key, json.dumps(report).encode())
        return key

    def performance(self, *, degraded=True, version="v1", current=True):
        self.clock.time += timedelta(minutes=1)
        report = {
            "format": 1,
            "kind": "performance",
            "version": version,
            "metric": "roc_auc",
            "degraded": degraded,
            "current": {"value": 0.5} if current else None,
        }
        key = f"{layout.performance_reports('m')}{version}-{self.clock.time.timestamp():.0f}.json"
        self.reports.create(key, json.dumps(report).encode())
        return key

    def data(self, name, *, valid=True, checks=(), evolution=None):
        self.clock.time += timedelta(minutes=1)
        found = (Check("values", "x", "error", valid, "x is missing in 3 rows"), *checks)
        report = ValidationReport("m", name, 100, found, "c", evolution)
        self.reports.create(layout.validation_report("m", name), report.encode())

    def journal(self, kind, **evidence):
        self.clock.time += timedelta(minutes=1)
        decision = f"{kind} {self.clock.time}"
        record(self.models, self.clock, "m", decision=decision, kind=kind, evidence=evidence, code="c")

    def look(self, models=None, reports=None):
        self.clock.time += timedelta(minutes=1)
        return alert(
            models or self.models,
            reports or self.reports,
            spec=self.spec,
            publishers=self.publishers,
            clock=self.clock,
        )

    def changes(self):
        self.look()
        found, self.receiver.told = self.receiver.changes(), []
        return found


@pytest.fixture
def world():
    world = World()
    world.serve()
    return world


def test_drift_is_told_once_and_over_when_the_next_report_is_fine(world):
    key = world.drift()
    told = world.look()
    assert [(each.kind, each.subject, each.evidence) for each in told.unresolved] == [("drift", "v1", key)]
    assert told.delivered == 1
    assert world.changes() == ["drift raised"]
    assert world.changes() == []
    world.drift()
    assert world.changes() == []
    world.drift(drifted=False)
    assert world.changes() == ["drift resolved"]
    assert world.changes() == []


def test_drift_of_another_version_or_of_a_window_that_was_asked_for_is_no_alert(world):
    world.drift(version="v0")
    world.drift(asked=True)
    assert world.changes() == []


def test_what_was_wrong_with_a_version_is_over_when_another_serves(world):
    world.drift()
    world.performance()
    assert sorted(world.changes()) == ["drift raised", "performance raised"]
    world.serve("v2")
    assert sorted(world.changes()) == ["drift resolved", "performance resolved"]
    assert world.changes() == []


def test_lost_performance_is_critical(world):
    world.performance()
    (found,) = world.look().unresolved
    assert (found.level, found.summary) == ("critical", "roc_auc of the serving version got worse.")
    world.performance(degraded=False, current=False)  # without labels nobody knows
    assert world.changes() == ["performance raised"]
    world.performance(degraded=False)
    assert world.changes() == ["performance resolved"]


def test_invalid_data_is_one_alert_however_many_files_are_broken(world):
    world.data("a", valid=False)
    world.data("b", valid=False)
    (found,) = world.look().unresolved
    assert (found.kind, found.level) == ("data", "warning")
    assert found.summary == "Dataset b: x is missing in 3 rows"
    world.data("c", valid=False)
    world.data("d")
    assert world.changes() == ["data raised", "data resolved"]


def test_a_broken_file_between_two_good_ones_is_not_missed(world):
    world.data("a")
    world.data("b", valid=False)
    world.data("c")
    assert world.changes() == ["data raised", "data resolved"]


def test_a_failed_expectation_that_only_warns_is_told_as_information(world):
    world.data("a", checks=[Check("expectation", None, "warning", passed=False, detail="few are paid: 3 rows")])
    (found,) = world.look().unresolved
    assert (found.level, found.summary) == ("info", "Dataset a: few are paid: 3 rows")
    world.data("b", valid=False)
    world.look()
    assert world.receiver.changes() == ["data raised", "data escalated"]


def test_columns_that_break_are_told_and_others_are_not(world):
    world.data("a", evolution=Evolution("z", (SchemaChange("x", "may be null now", compatible=True),)))
    assert world.changes() == []
    world.data("b", evolution=Evolution("a", (SchemaChange("x", "is no feature any more", compatible=False),)))
    assert world.changes() == ["schema raised"]
    world.data("c")
    assert world.changes() == ["schema resolved"]


def test_data_that_does_not_come_any_more_is_told(world):
    world.spec = SPEC.model_copy(update={"freshness": timedelta(days=2)})
    world.data("a")
    assert world.changes() == []
    world.clock.time += timedelta(days=3)
    assert world.changes() == ["freshness raised"]
    world.data("b")
    assert world.changes() == ["freshness resolved"]


@pytest.mark.parametrize(
    ("wrong", "right", "kind", "level", "summary"),
    [
        (
            {"kind": "kept", "version": "v2", "reasons": ["roc_auc 0.5, 0.6 is asked for"]},
            {"kind": "promoted", "champion": "v3"},
            *("training", "warning", "Version v2 was made and does not serve: roc_auc 0.5, 0.6 is asked for"),
        ),
        (
            {"kind": "training failed", "reasons": ["nothing to learn"]},
            {"kind": "challenged"},
            *("training", "warning", "A training failed: nothing to learn"),
        ),
        (
            {"kind": "training declined", "exhausted": True, "reason": "the budget of 4 per 7d is spent"},
            {"kind": "training started"},
            *("budget", "warning", "No training was started: the budget of 4 per 7d is spent"),
        ),
        (
            {"kind": "rolled back", "by_itself": True, "champion": "v0", "reason": "v0 is better"},
            {"kind": "promoted", "champion": "v3"},
            *("rollback", "critical", "Version v0 serves again by itself: v0 is better"),
        ),
        (
            {"kind": "challenge ended", "champion": "v1"},
            {"kind": "challenged"},
            *("trial", "warning", "The challenger left, version v1 serves on."),
        ),
    ],
)
def test_what_the_journal_says_is_told_until_it_says_otherwise(world, wrong, right, kind, level, summary):
    world.journal(**wrong)
    (found,) = world.look().unresolved
    assert (found.kind, found.level, found.summary) == (kind, level, summary)
    world.journal(**right)
    world.look()
    assert world.receiver.changes() == [f"{kind} raised", f"{kind} resolved"]


@pytest.mark.parametrize(
    "entry",
    [
        {"kind": "training declined", "exhausted": False, "reason": "10 of 1,000 new rows"},
        {"kind": "rolled back", "champion": "v0"},
        {"kind": "schema changed"},
        {"kind": "training started"},
    ],
)
def test_ordinary_decisions_are_no_alert(world, entry):
    world.journal(**entry)
    assert world.changes() == []


# people


def test_it_is_repeated_until_somebody_acknowledges_it(world):
    world.drift()
    assert world.changes() == ["drift raised"]
    world.clock.time += timedelta(hours=23)
    assert world.changes() == []
    world.clock.time += timedelta(hours=1)
    assert world.changes() == ["drift repeated"]
    (found,) = read_alerts(world.reports, "m")
    known = acknowledge(world.reports, world.clock, "m", found.fingerprint[:6], by="anne")
    assert (known.state, known.by) == ("acknowledged", "anne")
    assert acknowledge(world.reports, world.clock, "m", found.fingerprint, by="bob") == known
    world.clock.time += timedelta(days=9)
    assert world.changes() == []
    world.drift(drifted=False)
    assert world.changes() == ["drift resolved"]


def test_a_spec_may_ask_for_no_repetition(world):
    world.spec = ModelSpec.model_validate({**SPEC.model_dump(mode="json"), "alerts": {"repeat": None}})
    world.drift()
    assert world.changes() == ["drift raised"]
    world.clock.time += timedelta(days=99)
    assert world.changes() == []


def test_what_somebody_resolved_comes_back_by_a_new_report_alone(world):
    world.drift()
    world.look()
    (found,) = read_alerts(world.reports, "m")
    over = resolve(world.reports, world.clock, "m", found.fingerprint, by="anne")
    assert resolve(world.reports, world.clock, "m", found.fingerprint, by="bob") == over
    assert world.changes() == ["drift raised", "drift resolved"]
    assert world.changes() == []
    world.drift()
    assert world.changes() == ["drift raised"]


@pytest.mark.parametrize("fingerprint", ["", "zz"])
def test_an_alert_that_is_not_there_is_not_found(world, fingerprint):
    world.drift()
    world.look()
    with pytest.raises(NotFound, match="tidemill alerts list m"):
        acknowledge(world.reports, world.clock, "m", fingerprint, by="anne")


# delivery


def test_who_is_away_is_told_later_and_the_others_are_told_once(world):
    world.publishers = {"one": world.receiver, "two": world.other}
    world.receiver.away = Transient("one is away.")
    world.drift()
    with pytest.raises(Transient, match="one is away"):
        world.look()
    assert world.other.changes() == ["drift raised"]
    world.drift(drifted=False)
    with pytest.raises(Transient, match="one is away"):
        world.look()
    world.receiver.away = None
    world.look()
    assert world.receiver.changes() == world.other.changes() == ["drift raised", "drift resolved"]


def test_who_refuses_keeps_nobody_else_from_being_told(world):
    world.publishers = {"one": world.receiver, "two": world.other}
    world.receiver.away = Permanent("the webhook answered 404.")
    world.drift()
    with pytest.raises(Permanent):
        world.look()
    with pytest.raises(Permanent):
        world.look()
    assert world.other.changes() == ["drift raised"]


def everything(world):
    """Several things at once: something new, something over, something acknowledged."""
    world.drift()
    world.data("a", valid=False)
    world.look()
    acknowledge(world.reports, world.clock, "m", read_alerts(world.reports, "m")[0].fingerprint, by="anne")
    world.receiver.told = []
    world.drift(drifted=False)
    world.performance()
    world.data("b")


@pytest.mark.parametrize("after", [False, True])
def test_killed_at_any_write_everything_is_told_and_by_the_same_id(after):
    calm, counter = World(), Counter()
    calm.serve()
    everything(calm)
    calm.look(reports=FailingStore(calm.reports, 0, counter))
    expected = [notice.id for notice in calm.receiver.told]
    assert counter.writes > 5
    for at in range(1, counter.writes + 1):
        world = World()
        world.serve()
        everything(world)
        with pytest.raises(Died):
            world.look(reports=FailingStore(world.reports, at, Counter(), after=after))
        world.look()
        told = [notice.id for notice in world.receiver.told]
        assert sorted(set(told)) == sorted(expected), at
        assert len(told) <= len(expected) + 2
        contents = {notice.id: notice.data["change"] for notice in world.receiver.told}
        assert contents == {notice.id: notice.data["change"] for notice in calm.receiver.told}
        world.receiver.told = []
        assert world.changes() == []


def test_of_two_that_look_at_once_one_writes_and_nothing_is_told_under_two_ids(world):
    """The other process does all of its work in the middle of ours, at each of our writes in turn."""
    world.drift()
    world.data("a", valid=False)

    class Interrupted(MemoryStore):
        def __init__(self):
            self.done = False

        def __getattribute__(self, name):
            if name in {"done", "create", "__class__"}:
                return object.__getattribute__(self, name)
            return getattr(world.reports, name)

        def create(self, key, data):
            if not self.done:
                self.done = True
                world.look()
            return world.reports.create(key, data)

    world.look(reports=Interrupted())
    told = [notice.id for notice in world.receiver.told]
    assert len(set(told)) == 2
    states = read_alerts(world.reports, "m")
    assert [state.notices for state in states] == [(), ()]
    world.receiver.told = []
    assert world.changes() == []


def test_an_unserved_model_has_alerts_too():
    world = World()
    world.data("a", valid=False)
    assert world.changes() == ["data raised"]
