"""Fleets to draw pages of: devices of two releases and three groups, one of them unwell, one silent about itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from core.domain.fleet import Device, Fleet, Health

FIRST = datetime(2026, 1, 1, 6, tzinfo=UTC)
GROUPS = ("north", "south", "west")
HEALTHS = (
    Health(12_000, 3, 0.61, 1.9, 58.5, 86_400, 0),
    Health(900, 40, 3.2, 11.0, 61.0, 3_600, 1_200, ("distance", "temp"), trial=True),
    None,
    Health(),
)


def fleet(model: str, count: int, word: str = "") -> Fleet:
    """So many devices; `word` stands wherever a device may put one."""
    devices = (device(number, word) for number in range(count))
    return Fleet(model, tuple(sorted(devices, key=lambda each: (each.group, each.device))))


def device(number: int, word: str = "") -> Device:
    health = HEALTHS[number % len(HEALTHS)]
    if health and word:
        health = Health(drifted=(word,))
    release = number % 5 > 1
    return Device(
        device=f"{word}pi-{number:04}",
        group=word or GROUPS[number % len(GROUPS)],
        release=f"{1 + release:010d}-0f3a5c2e9b1d",
        since=FIRST + timedelta(days=release, hours=number),
        last_seen=FIRST + timedelta(days=2, hours=number % 40),
        ring=word or ("canary" if number % 10 == 0 else ""),
        version=None if health is None else word or f"{release:016x}",
        health=health,
    )
