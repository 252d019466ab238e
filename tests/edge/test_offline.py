"""The server is away for a month: the device answers on, keeps what it can, and catches up when it is back."""

import json
import random
from typing import ClassVar

import pytest

from edge.agent import journal
from edge.agent.config import Device
from edge.agent.loop import BASE, LONGEST, Done, Loop
from edge.agent.state import State
from edge.agent.update import Updater
from edge.rollout import Stage
from edge.runtime.model import Model

from .releases import KEY, OTHER_KEY, FakeClock, Zone, make, new_device
from .simulated import Away, SimulatedDevice, passes

DAY = 86400.0
FIRST, LAST = make(1), make(9, 4.0, key=OTHER_KEY)
ROW = {"load": 3.0, "age": 1.0}


@pytest.fixture
def zone():
    zone = Zone()
    zone.add(FIRST)
    zone.roll_out(Stage(FIRST.id, 100))
    return zone


def simulated(root, zone, clock, seed=1, **settings):
    device = new_device(root, **{"source_url": "https://example.com", "poll_seconds": 3600.0, **settings})
    away = Away(zone, clock=clock)
    made = SimulatedDevice(root, device, clock, away, random.Random(seed).random, {})
    made.switch_on()
    return made


def test_month_without_a_server(tmp_path, zone):
    clock = FakeClock()
    device = simulated(tmp_path / "device", zone, clock)
    passes([device], clock, DAY)
    assert device.release == FIRST.id
    device.source.there = False
    device.source.asked.clear()

    passes([device], clock, 30 * DAY, tick=300.0)

    assert device.release == FIRST.id
    with Model.open(device.root) as model:
        assert model.predict([ROW]) == [{"prediction": 7.0}]
    assert 30 * DAY / (LONGEST + 120) <= len(device.source.asked) <= 30 * DAY / (LONGEST / 4)
    for number in range(2, 9):
        zone.add(make(number, float(number)))
        zone.roll_out(Stage(make(number, float(number)).id, 100))
    zone.follow(KEY, OTHER_KEY)
    zone.follow(OTHER_KEY, revoked=[KEY.id])
    zone.add(LAST)
    zone.roll_out(Stage(LAST.id, 100), key=OTHER_KEY)
    device.source.there = True

    passes([device], clock, LONGEST + 120)

    state = State.read(device.root)
    assert (state.release, state.rollout) == (LAST.id, zone.rollouts)
    assert sum("0000000005" in event["release"] for event in journal.recent(device.root) if event["release"]) == 0
    with Model.open(device.root) as model:
        assert model.predict([ROW]) == [{"prediction": 13.0}]


def test_telemetry_of_a_month_stays_within_its_ring(tmp_path, zone):
    """Far more than fits is answered: the oldest goes, the newest stays, and the count of what went is told."""
    root = tmp_path / "device"
    device = new_device(root, telemetry_bytes=200_000, log_max_age=0.0)
    Updater(root, device, FakeClock()).update(zone)
    rng = random.Random(7)
    with Model.open(root) as model:
        for _ in range(60):
            model.predict([{"load": rng.random() * 9, "age": rng.random() * 9} for _ in range(500)])
            model._serving.tick()
            size = sum(path.stat().st_size for path in (root / "telemetry").iterdir())
            assert size <= 200_000
        health = model._serving.health()
    assert health.dropped > 1000
    assert health.requests == 60
    assert json.loads((root / "telemetry" / "ring.json").read_bytes())["dropped"] >= health.dropped


def test_thousand_devices_that_lost_the_server_do_not_come_back_at_once():
    """The first hours after it is back, in minutes: no minute has more than a few of them."""
    minutes = [0] * 600
    for seed in range(1000):
        clock = FakeClock()
        away = Outage(clock, until=clock.now + 10 * DAY)
        loop = looping(clock, away, random.Random(seed).random)
        while not away.answered:
            clock.now = max(clock.now + 1, loop.next_look)
            loop.step()
        minutes[int((away.answered[0] - away.until) // 60)] += 1
    assert sum(minutes) == 1000
    assert max(minutes) < 25
    assert sum(minutes[: int(LONGEST / 60) + 1]) == 1000


def test_devices_that_are_switched_on_together_do_not_ask_at_once():
    first = []
    for seed in range(300):
        clock = FakeClock()
        first.append(looping(clock, Outage(clock, until=0), random.Random(seed).random).next_look - clock.now)
    assert max(first) <= 300
    assert all(sum(start <= moment < start + 10 for moment in first) < 30 for start in range(0, 300, 10))


def test_ever_longer_after_failures_and_never_longer_than_a_few_hours():
    clock = FakeClock()
    away = Outage(clock, until=float("inf"))
    loop = looping(clock, away, lambda: 1.0)
    pauses = []
    for _ in range(20):
        clock.now = loop.next_look
        loop.step()
        pauses.append(loop.next_look - clock.now)
    assert pauses[0] == 2 * BASE
    assert pauses == sorted(pauses)
    assert pauses[-1] == LONGEST


def test_server_that_asks_for_patience_gets_it():
    clock = FakeClock()
    away = Outage(clock, until=float("inf"), retry_after=5000.0)
    loop = looping(clock, away, lambda: 0.0)
    clock.now = loop.next_look
    loop.step()
    assert loop.next_look - clock.now == 5000


def test_success_ends_the_waiting():
    clock = FakeClock()
    away = Outage(clock, until=clock.now + DAY)
    loop = looping(clock, away, lambda: 0.5)
    while not away.answered:
        clock.now = loop.next_look
        loop.step()
    assert loop.next_look - clock.now == 3600


class Outage:
    """A server that answers from `until` on, and a device that serves nothing."""

    failed: ClassVar = {}

    def __init__(self, clock, until, retry_after=0.0):
        self.clock = clock
        self.until = until
        self.retry_after = retry_after
        self.answered = []

    def health(self):
        return None

    def start(self):
        if self.clock.now >= self.until:
            self.answered.append(self.clock.now)

    def poll(self):
        return Done(ok=bool(self.answered), retry_after=self.retry_after)

    def stop(self):
        pass


def looping(clock, away, rng):
    device = Device("pump-1", "pumps", source_url="https://example.com")
    return Loop(device, Nothing(), away, away, clock, rng)


class Nothing:
    """No release is on trial."""

    def look(self, health, failed):
        pass
