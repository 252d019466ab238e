"""What the templates of container platforms read: the functions as they are declared, whoever runs the image."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from core.declaration import Declaration
from core.layout import ZONES
from core.spec import ModelSpec

from .clocks import clocks


def containers(declared: Iterable[Declaration], specs: Iterable[ModelSpec]) -> dict[str, Any]:
    """Zones, functions by name, and schedules by name, as plain JSON values."""
    every = list(declared)
    return {
        "zones": {zone: {"events": _watched(zone, every)} for zone in ZONES},
        "functions": {each.name: _function(each) for each in every},
        "schedules": {clock["name"]: clock for clock in clocks(every, list(specs))},
    }


def _watched(zone: str, every: list[Declaration]) -> list[str]:
    """The functions that events of a zone start."""
    return [each.name for each in every if any(trigger.zone == zone for trigger in each.triggers)]


def _function(declared: Declaration) -> Mapping[str, Any]:
    return {
        "description": declared.description,
        "kind": declared.kind,
        "memory": declared.memory,
        "timeout": declared.timeout,
        "concurrency": declared.concurrency,
        "grants": {zone: list(verbs) for zone, verbs in declared.zones.items()},
        "starts": list(declared.starts),
        "publishes": declared.publishes,
    }
