"""`functions/*/function.toml`: what each function is started by, what it touches and what it needs.

Every host and every cloud template reads these, so that a trigger or a permission is written once.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from .errors import BadInput
from .layout import ZONES, Zone

FUNCTIONS = Path(__file__).parent.parent / "functions"

Kind = Literal["event", "http", "job"]
Verb = Literal["read", "list", "create", "replace"]
Packaging = Literal["zip", "image"]


@dataclass(frozen=True, slots=True)
class Trigger:
    """Objects that start a function: in `zone`, with a key that fits one of `keys`.

    In a pattern `*` is one part of a key and `**` one or more.
    """

    zone: Zone
    keys: tuple[str, ...]

    def fits(self, zone: str, key: str) -> bool:
        """Whether such an object starts the function."""
        return zone == self.zone and any(_pattern(keys).fullmatch(key) for keys in self.keys)


@dataclass(frozen=True, slots=True)
class Declaration:
    """One function. Data flows through the functions by their `order`.

    `memory` is in MiB, `timeout` in seconds; `schedule` names the spec's field that times it.
    `packaging` is image where the dependencies do not fit into a zip. `starts` names the jobs that it starts;
    one that `goes_on` hands to a successor what it cannot finish in its time,
    `publishes` says that it tells people of alerts,
    `concurrency` is how many of its events or calls may be handled at once where a burst would hurt.
    """

    name: str
    description: str
    order: int
    kind: Kind
    group: str
    memory: int
    timeout: int
    triggers: tuple[Trigger, ...]
    schedule: str | None
    zones: Mapping[Zone, tuple[Verb, ...]]
    packaging: Packaging = "zip"
    starts: tuple[str, ...] = ()
    goes_on: bool = False
    publishes: bool = False
    concurrency: int | None = None

    @property
    def is_queued(self) -> bool:
        """Whether events wait for it in a queue."""
        return self.kind == "event"


@cache
def declarations(folder: Path = FUNCTIONS) -> Mapping[str, Declaration]:
    """Every declared function by name, in the order in which data flows through them."""
    found = [_read(path) for path in folder.glob("*/function.toml")]
    ordered = sorted(found, key=lambda fields: (fields["order"], fields["name"]))
    return {fields["name"]: _declaration(fields) for fields in ordered}


def _read(path: Path) -> dict[str, Any]:
    return {"name": path.parent.name, **tomllib.loads(path.read_text("utf-8"))}


def _declaration(fields: Mapping[str, Any]) -> Declaration:
    zones = fields.get("zones", {})
    triggers = tuple(Trigger(item["zone"], tuple(item["keys"])) for item in fields.get("triggers", ()))
    for zone in (*zones, *(trigger.zone for trigger in triggers)):
        if zone not in ZONES:
            raise BadInput(f"function {fields['name']} names zone {zone!r}; the zones are {', '.join(ZONES)}.")
    return Declaration(
        name=fields["name"],
        description=fields["description"],
        order=fields["order"],
        kind=fields["kind"],
        group=fields.get("group", fields["name"]),
        memory=fields["memory"],
        timeout=fields["timeout"],
        triggers=triggers,
        schedule=fields.get("schedule"),
        zones={zone: tuple(verbs) for zone, verbs in zones.items()},
        packaging=fields.get("packaging", "zip"),
        starts=tuple(fields.get("starts", ())),
        goes_on=fields.get("goes_on", False),
        publishes=fields.get("publishes", False),
        concurrency=fields.get("concurrency"),
    )


@cache
def _pattern(keys: str) -> re.Pattern[str]:
    parts = {"**": ".+", "*": "[^/]+"}
    return re.compile("".join(parts.get(part, re.escape(part)) for part in re.split(r"(\*\*|\*)", keys)), re.DOTALL)
