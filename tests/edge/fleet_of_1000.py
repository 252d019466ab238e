"""A thousand devices in simulated time: `python -m tests.edge.fleet_of_1000 [--devices N] [--json]`.

Each runs the agent's own loop, update, trial and files; made up are the clock, the network, and how a release does. A
release that fails a fifth of its requests, which its golden rows do not show, is offered to the first ring. The devices
that run it leave it by themselves; the operator, who sees two of them do so, withdraws it; those that had no requests
meanwhile, or no network, go back or never take it. Then a good release goes to 1, 10 and 100 percent.
"""

from __future__ import annotations

import argparse
import heapq
import json
import logging
import os
import random
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.errors import Transient
from core.layout import edge_file
from edge.agent import journal
from edge.agent.state import State
from edge.agent.transport import OVERHEAD
from edge.rollout import Stage

from .releases import MODEL, FakeClock, Zone, make, new_device
from .simulated import Behaviour, SimulatedDevice

HOUR = 3600.0
DAY = 24 * HOUR
TICK = 60.0
RING = "canary"
BAD_ERRORS = 0.2
GOOD, BAD, BETTER = make(1, 2.0), make(2, 3.0), make(3, 4.0)
SEEN = 2
"""Devices that must tell of a rollback before the operator withdraws a release."""


@dataclass
class Traffic:
    """What goes over the network, in simulated time."""

    zone: Zone
    clock: FakeClock
    requests: Counter[int] = field(default_factory=Counter)
    bytes: Counter[str] = field(default_factory=Counter)
    fetched: dict[str, set[str]] = field(default_factory=dict)

    def of(self, device: str) -> Wire:
        """The network of one device."""
        return Wire(self, device)


@dataclass
class Wire:
    """A device's way to the zone, which counts."""

    traffic: Traffic
    device: str
    there: bool = True

    def stream(self, key: str, start: int, length: int) -> Iterator[bytes]:
        """As the zone's; an absent object costs a request too."""
        if not self.there:
            raise Transient("the server does not answer.")
        traffic = self.traffic
        traffic.requests[int(traffic.clock.now // TICK)] += 1
        kind = key.split("/")[1]
        traffic.bytes["headers"] += OVERHEAD
        for piece in traffic.zone.stream(key, start, length):
            traffic.bytes["documents" if kind in {"rollouts", "trust"} else "releases"] += len(piece)
            traffic.fetched.setdefault(kind, set()).add(self.device)
            yield piece


class Fleet:
    """The devices, and the time that passes for them."""

    def __init__(self, folder: Path, size: int) -> None:
        self.clock = FakeClock()
        self.zone = Zone()
        self.traffic = Traffic(self.zone, self.clock)
        self.behaviours: dict[str, Behaviour] = {}
        self.rng = random.Random(20261124)
        self.devices = [self._device(folder, number, size) for number in range(size)]
        self._due: list[tuple[float, int]] = []
        for number, device in enumerate(self.devices):
            device.switch_on()
            heapq.heappush(self._due, (self.clock.now + self.rng.random() * TICK, number))

    def _device(self, folder: Path, number: int, size: int) -> SimulatedDevice:
        """Each twentieth is in the first ring; of those each fifth has no requests, and each seventh no network."""
        name = f"pump-{number:04d}"
        ring = RING if number % 20 == 0 else "field"
        device = new_device(folder / name, device=name, ring=ring, source_url="https://example.com")
        wire = self.traffic.of(name)
        random_of = random.Random(number).random
        asks = 0.0 if ring == RING and number // 20 % 5 == 4 else 0.5
        return SimulatedDevice(folder / name, device, self.clock, wire, random_of, self.behaviours, asks)

    @property
    def first_ring(self) -> list[SimulatedDevice]:
        """The devices that get a release first."""
        return [device for device in self.devices if device.device.ring == RING]

    def passes(self, seconds: float) -> None:
        """Let time pass: each device takes a step a minute while it has a release on trial, else when it looks."""
        ends = self.clock.now + seconds
        while self._due[0][0] <= ends:
            self.clock.now, number = heapq.heappop(self._due)
            device = self.devices[number]
            device.loop.step()
            on_trial = State.read(device.root).trial is not None
            soon = self.clock.now + TICK
            heapq.heappush(self._due, (soon if on_trial else max(soon, device.loop.next_look), number))
        self.clock.now = ends

    def running(self) -> dict[str, int]:
        """Release -> how many devices run it."""
        return dict(Counter(str(device.release) for device in self.devices))

    def told(self, event: str, release: str, ring: str = "") -> list[str]:
        """The devices, of one ring or all, whose journal tells of this event, as their telemetry would."""
        return [
            device.device.device
            for device in self.devices
            if device.device.ring == (ring or device.device.ring)
            and any((each["event"], each["release"]) == (event, release) for each in journal.recent(device.root))
        ]


def simulate(folder: Path, size: int) -> dict[str, Any]:
    """What happened, in figures."""
    fleet = Fleet(folder, size)
    zone = fleet.zone
    zone.add(GOOD)
    zone.roll_out(Stage(GOOD.id, 100))
    fleet.passes(3 * HOUR)
    found: dict[str, Any] = {"devices": size, "first_ring": len(fleet.first_ring), "first": fleet.running()}
    found["bad"] = _bad_release(fleet)
    found["good"] = _good_release(fleet)
    found["network"] = _network(fleet)
    return found


def _bad_release(fleet: Fleet) -> dict[str, Any]:
    zone, began = fleet.zone, fleet.clock.now
    away = [device for number, device in enumerate(fleet.first_ring) if number % 7 == 6]
    for device in away:
        device.source.there = False
    fleet.behaviours[BAD.id] = Behaviour(errors=BAD_ERRORS)
    zone.add(BAD)
    zone.roll_out(Stage(BAD.id, 0, (RING,)), Stage(GOOD.id, 100))
    while len(fleet.told("rolled back", BAD.id, RING)) < SEEN:
        fleet.passes(TICK)
    first_back = fleet.clock.now
    fleet.passes(HOUR)  # until a person has looked at it
    before = fleet.running()
    zone.roll_out(Stage(GOOD.id, 100), withdrawn=[BAD.id])
    withdrawn = fleet.clock.now
    while any(device.release == BAD.id for device in fleet.first_ring):
        fleet.passes(TICK)
    gone = fleet.clock.now
    for device in away:
        device.source.there = True
    fleet.passes(6 * HOUR)
    ever = fleet.traffic.fetched.get(BAD.id, set())
    outside = ever - {device.device.device for device in fleet.first_ring}
    return {
        "fetched_by": len(ever),
        "fetched_outside_the_first_ring": len(outside),
        "left_by_themselves": len(fleet.told("rolled back", BAD.id)),
        "went_back_when_withdrawn": len(fleet.told("went back", BAD.id)),
        "away_and_never_had_it": sum(device.device.device not in ever for device in away),
        "away": len(away),
        "minutes_to_second_rollback": round((first_back - began) / 60, 1),
        "minutes_from_withdrawal_to_none": round((gone - withdrawn) / 60, 1),
        "before_withdrawal": before,
        "after": fleet.running(),
    }


def _good_release(fleet: Fleet) -> dict[str, Any]:
    zone = fleet.zone
    zone.add(BETTER)
    steps: dict[str, Any] = {}
    had: set[str] = set()
    for percent in (1, 10, 100):
        zone.roll_out(Stage(BETTER.id, percent), Stage(GOOD.id, 100), withdrawn=[BAD.id])
        fleet.passes(4 * HOUR)
        now = {device.device.device for device in fleet.devices if device.release == BETTER.id}
        steps[f"{percent} %"] = {"devices": len(now), "lost_it": len(had - now)}
        had = now
    kept = len(fleet.told("kept", BETTER.id))
    return {"steps": steps, "kept": kept, "after": fleet.running()}


def _network(fleet: Fleet) -> dict[str, Any]:
    traffic, size = fleet.traffic, len(fleet.devices)
    hours = (fleet.clock.now - 1000) / HOUR
    requests = sum(traffic.requests.values())
    total = sum(traffic.bytes.values())
    release = sum(map(len, BETTER.files.values()))
    return {
        "simulated_hours": round(hours, 1),
        "requests": requests,
        "requests_a_device_and_day": round(requests / size / hours * 24, 1),
        "most_requests_in_a_minute": max(traffic.requests.values()),
        "bytes": dict(traffic.bytes),
        "bytes_a_device_and_day": round(total / size / hours * 24),
        "bytes_of_one_release": release,
        "releases_fetched": {edge_file(MODEL, key, ""): len(who) for key, who in _of_releases(traffic).items()},
    }


def _of_releases(traffic: Traffic) -> dict[str, set[str]]:
    return {key: who for key, who in sorted(traffic.fetched.items()) if key not in {"rollouts", "trust"}}


def run(size: int) -> dict[str, Any]:
    """Simulate on a disk in memory where there is one: nobody cuts the power of a thousand cards here."""
    memory = Path("/dev/shm")
    os.fsync = lambda _descriptor: None
    began = time.perf_counter()
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        found = simulate(Path(folder), size)
        shutil.rmtree(folder, ignore_errors=True)
        Path(folder).mkdir()
    return {**found, "seconds": round(time.perf_counter() - began, 1)}


def main() -> None:
    """Print what happened."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--devices", type=int, default=1000)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    logging.disable(logging.CRITICAL)
    found = run(given.devices)
    print(json.dumps(found) if given.json else json.dumps(found, indent=2))  # noqa: T201


if __name__ == "__main__":
    main()
