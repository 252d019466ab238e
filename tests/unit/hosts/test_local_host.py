"""The local host on a store in memory: what is found, called, retried and given up."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from core.adapters.store_memory import MemoryStore
from core.errors import BadInput, Transient
from core.events.messages import ObjectCreated, ScheduleFired
from core.hosts.local.events import Scanner, event_of, fire_schedules
from core.hosts.local.host import MAX_ATTEMPTS, LocalHost
from core.hosts.local.queue import Queue
from core.layout import ZONES
from core.runtime import Runtime
from core.settings import Settings

SPEC = """
model: m
task: binary
target: y
features: [{name: x, type: number}]
drift: {every: 1h}
batch: {every: 1d}
train_when: {cooldown: 0s}
"""


class Clock:
    def __init__(self, time):
        self.time = time

    def now(self):
        return self.time


@pytest.fixture
def runtime(tmp_path):
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "m.yaml").write_text(SPEC)
    settings = Settings.from_env({}, store=f"{tmp_path}/{{zone}}", specs=tmp_path / "models")
    return Runtime(settings, stores={zone: MemoryStore() for zone in ZONES}, clock=Clock(datetime.now(UTC)))


@pytest.fixture
def queue(runtime):
    queue = Queue(runtime.settings.host)
    yield queue
    queue.close()


def test_each_object_becomes_an_event_for_the_functions_that_want_it(runtime, queue):
    runtime.store("landing").put("m/rows/a b+ü.csv", b"x")
    runtime.store("landing").put("m/score/c.csv", b"x")
    runtime.store("landing").put("stray.txt", b"x")
    runtime.store("datasets").put("m/v/part-00000.parquet", b"x")
    runtime.store("datasets").put("m/v/manifest.json", b"x")
    runtime.store("models").put("m/route.json", b"x")
    scanner = Scanner(runtime, queue, timedelta())
    assert scanner.scan() == 4
    found = [(item.function, event_of(item)) for item in queue.pending()]
    assert [(function, event.zone, event.key) for function, event in found] == [
        ("ingest", "landing", "m/rows/a b+ü.csv"),
        ("validate", "datasets", "m/v/manifest.json"),
        ("batch_inference", "landing", "m/score/c.csv"),
        ("batch_inference", "models", "m/route.json"),
    ]
    assert isinstance(found[0][1], ObjectCreated)
    assert scanner.scan() == 0
    assert Scanner(runtime, queue, timedelta()).scan() == 0


def test_a_new_version_of_a_file_is_a_new_event(runtime, queue):
    scanner = Scanner(runtime, queue, timedelta())
    runtime.store("landing").put("m/rows/a.csv", b"1")
    assert scanner.scan() == 1
    runtime.store("landing").put("m/rows/a.csv", b"2")
    assert scanner.scan() == 1


def test_a_file_that_may_still_be_being_copied_waits_until_it_is_quiet(runtime, queue):
    scanner = Scanner(runtime, queue, timedelta(seconds=5))
    runtime.store("landing").put("m/rows/a.csv", b"1")
    runtime.clock.time = datetime.now(UTC)
    assert (scanner.scan(), scanner.waiting) == (0, True)
    runtime.clock.time += timedelta(seconds=6)
    assert (scanner.scan(), scanner.waiting) == (1, False)


class Function:
    """Stands for every function: answers, or raises what it is told to."""

    def __init__(self, *errors):
        self.errors = list(errors)
        self.calls = []

    def __call__(self, work, runtime, stopping):
        self.calls.append(work.subject)
        if self.errors:
            raise self.errors.pop(0)
        return {}


def drained(runtime, queue, function):
    runtime.store("landing").put("m/rows/a.csv", b"1")
    return LocalHost(runtime, queue, call=function).drain()


def test_what_is_done_is_done_once(runtime, queue):
    function = Function()
    assert drained(runtime, queue, function).handled == 1
    assert LocalHost(runtime, queue, call=function).drain().handled == 0
    assert function.calls == ["landing/m/rows/a.csv"]


@pytest.mark.parametrize("error", [Transient("the store is away."), ValueError("a bug"), OSError("no network")])
def test_what_may_pass_is_tried_again(runtime, queue, error):
    function = Function(error)
    tally = drained(runtime, queue, function)
    assert (tally.handled, tally.failed, len(function.calls)) == (1, [], 2)


def test_what_cannot_pass_is_kept_as_a_dead_letter_at_once_and_can_be_revived(runtime, queue):
    function = Function(BadInput("the file is empty."))
    tally = drained(runtime, queue, function)
    event = "ingest landing/m/rows/a.csv"
    assert (tally.handled, tally.failed) == (0, [{"event": event, "error": "the file is empty."}])
    letters = list((runtime.settings.host / "dead-letter").iterdir())
    assert json.loads(letters[0].read_text())["error"] == "the file is empty."
    host = LocalHost(runtime, queue, call=function)
    assert host.revive() == 1
    assert host.drain().handled == 1
    assert list((runtime.settings.host / "dead-letter").iterdir()) == []


@pytest.mark.slow
def test_what_does_not_pass_is_given_up_after_its_attempts(runtime, queue):
    function = Function(*[Transient("away.")] * MAX_ATTEMPTS)
    tally = drained(runtime, queue, function)
    assert (len(function.calls), len(tally.failed)) == (MAX_ATTEMPTS, 1)


def test_schedules_count_from_when_they_are_met_and_catch_up_with_one_turn(runtime, queue):
    fire_schedules(runtime, queue, runtime.settings.specs)
    assert queue.pending() == []
    runtime.clock.time += timedelta(hours=5)
    fire_schedules(runtime, queue, runtime.settings.specs)
    fire_schedules(runtime, queue, runtime.settings.specs)
    events = [event_of(item) for item in queue.pending()]
    assert [(event.schedule, event.model) for event in events] == [
        ("train_trigger", "m"),
        ("drift_check", "m"),
        ("report", "m"),
        ("alert", "m"),
    ]
    assert all(isinstance(event, ScheduleFired) and event.at == runtime.clock.time for event in events)


def test_a_spec_with_mistakes_has_no_schedules_and_stops_no_other(runtime, queue):
    (runtime.settings.specs / "broken.yaml").write_text("model: [")
    fire_schedules(runtime, queue, runtime.settings.specs)
    runtime.clock.time += timedelta(days=2)
    fire_schedules(runtime, queue, runtime.settings.specs)
    assert {work.subject for work in queue.pending()} == {"schedule of m"}
