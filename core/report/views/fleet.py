"""Which devices run what, how they are, and what the checks of each group found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...domain.fleet import Device, Fleet
from ..facts import Check, ModelFacts
from ..wording import metric_name, plural, when

ROWS = 200
"""Devices that are listed: those that something is wrong with, then those that were not heard of for longest."""
HEALTH: Mapping[bool | None, tuple[str, str]] = {
    True: ("healthy", "good"),
    False: ("unhealthy", "bad"),
    None: ("not told", "plain"),
}


def view(facts: ModelFacts) -> dict[str, Any]:
    """What the page of the fleet shows."""
    fleet = facts.fleet or Fleet(facts.model)
    ordered = sorted(fleet.devices, key=lambda device: (device.healthy is not False, device.last_seen, device.device))
    return {
        "finding": finding(facts),
        "releases": [_release(fleet, release) for release in fleet.releases],
        "groups": [_group(fleet, group, facts.groups.get(group)) for group in fleet.groups],
        "devices": [_device(device) for device in ordered[:ROWS]],
        "hidden": len(ordered) - ROWS,
    }


def finding(facts: ModelFacts) -> str:
    """How many devices there are, and how many are unwell; a sentence."""
    fleet = facts.fleet
    if fleet is None or not fleet.devices:
        return "No device has sent anything back yet"
    told = f"{plural(len(fleet.devices), 'device runs', 'devices run')} {plural(len(fleet.releases), 'release')}"
    wrong = len(fleet.unhealthy)
    alarmed = [group for group in fleet.groups if _alarms(facts.groups.get(group))]
    more = [plural(wrong, "is unhealthy", "are unhealthy")] if wrong else ["none says that it is unhealthy"]
    more += [f"{plural(len(alarmed), 'group')} with drift or worse answers"] if alarmed else []
    return f"{told}; {', '.join(more)}"


def _alarms(check: Check | None) -> list[str]:
    if check is None:
        return []
    return [
        *(["drift"] if check["drifted"] else []),
        *(["worse answers"] if check["performance"]["degraded"] else []),
    ]


def _release(fleet: Fleet, release: str) -> dict[str, Any]:
    devices = [device for device in fleet.devices if device.release == release]
    return {
        "release": release,
        "version": next((device.version for device in devices if device.version), None),
        "devices": len(devices),
        "unhealthy": sum(device.healthy is False for device in devices),
    }


def _group(fleet: Fleet, group: str, check: Check | None) -> dict[str, Any]:
    devices = [device for device in fleet.devices if device.group == group]
    found = {"rows": None, "unusable": 0, "version": None, "metric": "", "current": None, "estimated": None}
    if check is not None:
        performance = check["performance"]
        found |= {name: check.get(name) for name in ("rows", "unusable", "version")}
        found |= {"metric": metric_name(performance["metric"] or "")}
        found |= {name: performance[name] for name in ("current", "estimated")}
    return {
        "group": group,
        "devices": len(devices),
        "unhealthy": sum(device.healthy is False for device in devices),
        "checked": check is not None,
        "alarms": _alarms(check),
        "until": when(check["window"]["until"]) if check else "",
        **found,
    }


def _device(device: Device) -> dict[str, Any]:
    word, look = HEALTH[device.healthy]
    told = device.to_json()
    return {
        **told,
        "word": word,
        "look": look,
        "since": when(told["since"]),
        "last_seen": when(told["last_seen"]),
        "p95": told["latency"]["p95_ms"],
    }
