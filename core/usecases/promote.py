"""Change who serves: promote, roll back, challenge. One compare-and-swap each, then one journal entry.

Every change names its decision; repeating a decision (a retried event, a process that died in between) finds it in the
route and only completes the journal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .. import layout
from ..domain.route import Mode, Route
from ..errors import AlreadyExists, NotFound, VersionMismatch
from ..ports import Clock, Reads, Registry
from .journal import record


def current_route(models: Reads, model: str) -> Route | None:
    """Who serves, or None if nothing does yet."""
    try:
        return Route.decode(models.get(layout.route(model)).data)
    except NotFound:
        return None


def promote(
    models: Registry, clock: Clock, model: str, version: str, *, decision: str, evidence: Mapping[str, Any], code: str
) -> Route:
    """Make `version` the champion; raises NotFound if there is no such version."""
    models.head(layout.model_manifest(model, version))
    first = Route(model=model, champion=version, decisions=(decision,))
    route = _change(models, model, decision, lambda route: route.promoted(version, decision), first)
    _journal(models, clock, "promoted", route, decision, evidence, code)
    return route


def roll_back(
    models: Registry, clock: Clock, model: str, *, decision: str, evidence: Mapping[str, Any], code: str
) -> Route:
    """Make the champion before the present one serve again; raises Refused if there was none."""
    route = _change(models, model, decision, lambda route: route.rolled_back(decision))
    _journal(models, clock, "rolled back", route, decision, evidence, code)
    return route


def challenge(
    models: Registry,
    clock: Clock,
    model: str,
    version: str,
    mode: Mode,
    share: float,
    *,
    decision: str,
    evidence: Mapping[str, Any],
    code: str,
) -> Route:
    """Set `version` beside the champion; raises NotFound if there is no such version or no champion."""
    models.head(layout.model_manifest(model, version))
    route = _change(models, model, decision, lambda route: route.challenged(version, mode, share, decision))
    _journal(models, clock, "challenged", route, decision, evidence, code)
    return route


def _change(
    models: Registry, model: str, decision: str, change: Callable[[Route], Route], first: Route | None = None
) -> Route:
    key = layout.route(model)
    while True:
        try:
            if first is not None and not _exists(models, key):
                models.create(key, first.encode())
                return first
            blob = models.get(key)
            route = Route.decode(blob.data)
            changed = route if decision in route.decisions else change(route)
            if changed != route:
                models.replace(key, changed.encode(), blob.info.version)
        except (AlreadyExists, VersionMismatch):
            continue
        return changed


def _exists(models: Reads, key: str) -> bool:
    try:
        models.head(key)
    except NotFound:
        return False
    return True


def _journal(
    models: Registry, clock: Clock, kind: str, route: Route, decision: str, evidence: Mapping[str, Any], code: str
) -> None:
    facts = {**evidence, "champion": route.champion, "challenger": route.challenger, "revision": route.revision}
    record(models, clock, route.model, decision=decision, kind=kind, evidence=facts, code=code)
