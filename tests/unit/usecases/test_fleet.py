"""Which device runs what: by the listing, and the beginning of each device's newest segment alone."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from core import layout
from core.adapters.store_memory import MemoryStore
from core.domain.fleet import Device, Fleet, Health
from core.domain.telemetry import HEAD
from core.usecases.fleet import read_fleet
from tests.faults import RecordingStore
from tests.telemetry import HEALTH, RELEASE, name_of, record, segment

FIRST = datetime(2026, 11, 1, tzinfo=UTC)
SECOND = "0000000002-1f3a5c2e9b1d"


class Edge(MemoryStore):
    """An edge zone to which segments come at the hour that is said."""

    def arrive(self, sequence: int, hour: float, **more: Any) -> str:
        device, group, ring = more.get("device", "pi-1"), more.get("group", "north"), more.pop("card", "9b1d5c2e")
        release = more.setdefault("release", RELEASE)
        key = layout.edge_telemetry("m", group, device, name_of(sequence, release, ring))
        data = more.pop("data", None) or segment(more.pop("records", ()), sequence=sequence, **more)
        self.put(key, data)
        blob = self._blobs[key]
        self._blobs[key] = replace(blob, info=replace(blob.info, modified=FIRST + timedelta(hours=hour)))
        return key


@pytest.fixture
def edge() -> Edge:
    return Edge()


def only(edge: Edge) -> Device:
    (device,) = read_fleet(edge, "m").devices
    return device


def hours(time: datetime) -> float:
    return (time - FIRST) / timedelta(hours=1)


def test_nobody_has_sent_anything(edge: Edge) -> None:
    assert read_fleet(edge, "m") == Fleet("m")


def test_a_device_is_what_its_newest_segment_says(edge: Edge) -> None:
    edge.arrive(1, 0)
    edge.arrive(2, 5, health=HEALTH)
    device = only(edge)
    assert (device.device, device.group, device.ring, device.release, device.version) == (
        *("pi-1", "north", "canary"),
        *(RELEASE, "v1"),
    )
    assert (hours(device.since), hours(device.last_seen), device.healthy) == (0, 5, True)
    assert device.health == Health(120, 0, 1.5, 4.0, 61.0, 3600.0, 0)


def test_since_when_it_runs_what_it_runs(edge: Edge) -> None:
    edge.arrive(1, 0)
    edge.arrive(2, 1, release=SECOND)
    edge.arrive(3, 2)
    edge.arrive(4, 3, release=SECOND)
    edge.arrive(5, 9, release=SECOND, health=HEALTH)
    device = only(edge)
    assert (device.release, hours(device.since), hours(device.last_seen)) == (SECOND, 3, 9)


def test_segments_come_in_any_order(edge: Edge) -> None:
    edge.arrive(3, 1, health={**HEALTH, "requests": 3})
    edge.arrive(1, 2, health={**HEALTH, "requests": 1})
    edge.arrive(2, 7, health={**HEALTH, "requests": 2})
    device = only(edge)
    assert device.health is not None
    assert (device.health.requests, hours(device.since), hours(device.last_seen)) == (3, 1, 7)


def test_a_new_card_counts_from_one_again(edge: Edge) -> None:
    edge.arrive(900, 1, health=HEALTH)
    edge.arrive(1, 8, release=SECOND, card="00000000")
    device = only(edge)
    assert (device.release, hours(device.since), device.healthy) == (SECOND, 8, None)


def test_a_segment_that_tells_no_health_lets_those_before_tell(edge: Edge) -> None:
    edge.arrive(1, 0, health=HEALTH)
    edge.arrive(2, 1)
    edge.arrive(3, 2)
    assert only(edge).healthy is True
    edge.arrive(4, 3)
    edge.arrive(5, 4)
    assert only(edge).healthy is None


def test_health_of_another_release_is_not_its_own(edge: Edge) -> None:
    edge.arrive(1, 0, health=HEALTH)
    edge.arrive(2, 1, release=SECOND)
    assert only(edge).healthy is None


@pytest.mark.parametrize(
    ("told", "good"),
    [
        ({}, True),
        ({"errors": 1, "requests": 100}, True),
        ({"errors": 2, "requests": 100}, False),
        ({"errors": 1, "requests": 0}, False),
        ({"drifted": ["x"]}, False),
    ],
)
def test_what_a_healthy_device_is(told: dict[str, Any], good: bool) -> None:
    assert Health.of(told).is_good is good


def test_nothing_that_a_device_says_is_believed(edge: Edge) -> None:
    strange = {"requests": "1", "errors": -1, "p50_ms": True, "p95_ms": 1e300, "memory_mb": None, "drifted": "x"}
    assert Health.of(strange) == Health()
    long = Health.of({"drifted": ["x" * 1000] * 1000})
    assert (len(long.drifted), len(long.drifted[0])) == (20, 80)
    edge.arrive(1, 0, data=b"rubbish")
    device = only(edge)
    assert (device.release, device.version, device.healthy) == (RELEASE, None, None)


def test_a_large_segment_is_read_at_its_beginning_alone(edge: Edge) -> None:
    many = [record("m", "v1", row, {"x": row}, request_id=str(hash(row))) for row in range(5_000)]
    key = edge.arrive(1, 0, health=HEALTH, records=many)
    assert edge.head(key).size > 3 * HEAD
    calls: list[Any] = []
    seen = RecordingStore(edge, "edge", calls)
    assert read_fleet(seen, "m").devices[0].healthy is True
    assert [verb for _, verb, _ in calls] == ["list", "get_range"]


def test_a_thousand_devices_cost_a_listing_and_a_thousand_beginnings() -> None:
    edge = Edge()
    for number in range(1000):
        for sequence in (1, 2, 3):
            edge.arrive(sequence, number, device=f"pi-{number:04}", group=f"g{number % 7}", health=HEALTH)
    calls: list[Any] = []
    found = read_fleet(RecordingStore(edge, "edge", calls), "m")
    verbs = [verb for _, verb, _ in calls]
    assert (verbs.count("list"), verbs.count("get_range"), len(verbs)) == (1, 1000, 1001)
    assert (len(found.devices), sum(found.groups.values()), found.releases) == (1000, 1000, {RELEASE: 1000})
    assert [(device.group, device.device) for device in found.devices] == sorted(
        (device.group, device.device) for device in found.devices
    )


def test_what_is_told_is_json(edge: Edge) -> None:
    edge.arrive(1, 0, health=HEALTH)
    edge.arrive(1, 0, device="pi-2", group="south")
    told = json.loads(json.dumps(read_fleet(edge, "m").to_json()))
    assert told["groups"] == {"north": 1, "south": 1}
    assert set(told["devices"][0]) == {
        *("device", "group", "ring", "release", "version", "since", "last_seen", "healthy", "requests", "errors"),
        *("latency", "memory_mb", "dropped", "drifted", "trial"),
    }
