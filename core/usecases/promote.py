"""Change who serves: promote, roll back, challenge. One compare-and-swap each, then one journal entry.

Every change names its decision; repeating a decision (a retried event, a process that died in between) finds it in the
route and only completes the journal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .. import layout
from ..domain.route import Mode, Route
from ..errors import AlreadyExists, NotFound, Refused, VersionMismatch
from ..ports import Blob, Clock, Reads, Registry
from .journal import record

PROMOTED, ENDED = "promoted", "challenge ended"


def current_route(models: Reads, model: str) -> Route | None:
    """Who serves, or None if nothing does yet."""
    blob = _get(models, layout.route(model))
    return None if blob is None else Route.decode(blob.data)


def promote(
    models: Registry, clock: Clock, model: str, version: str, *, decision: str, evidence: Mapping[str, Any], code: str
) -> Route:
    """Make `version` the champion; raises NotFound if there is no such version."""
    _check_version(models, model, version)
    first = Route.first(model, version, decision)
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


def relieve(
    models: Registry,
    clock: Clock,
    model: str,
    champion: str,
    successor: str,
    *,
    decision: str,
    evidence: Mapping[str, Any],
    code: str,
) -> Route:
    """Make an earlier version serve again in the place of `champion`; raises Refused if that serves no more."""

    def change(route: Route) -> Route:
        if route.champion != champion:
            raise Refused(f"version {champion} of model {model} serves no more: there is nothing to relieve.")
        return route.rolled_back(decision, to=successor)

    route = _change(models, model, decision, change)
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
    _check_version(models, model, version)
    route = _change(models, model, decision, lambda route: route.challenged(version, mode, share, decision))
    _journal(models, clock, "challenged", route, decision, evidence, code)
    return route


def settle(
    models: Registry,
    clock: Clock,
    model: str,
    revision: int,
    *,
    promoted: bool,
    decision: str,
    evidence: Mapping[str, Any],
    code: str,
) -> Route:
    """End the trial that the route's `revision` began: its challenger is promoted, or leaves.

    Raises Refused if the route has been changed since.
    """
    route = _change(models, model, decision, lambda route: route.settled(revision, decision, promote=promoted))
    _journal(models, clock, PROMOTED if promoted else ENDED, route, decision, evidence, code)
    return route


def _check_version(models: Reads, model: str, version: str) -> None:
    try:
        models.head(layout.model_manifest(model, version))
    except NotFound:
        raise NotFound(f"model {model} has no version {version}; `tidemill models show {model}` lists them.") from None


def _change(
    models: Registry, model: str, decision: str, change: Callable[[Route], Route], first: Route | None = None
) -> Route:
    """Change the route, whoever else is changing it; `first` is written where there is none yet."""
    while True:
        try:
            return _attempt(models, model, decision, change, first)
        except (AlreadyExists, VersionMismatch):
            continue


def _attempt(
    models: Registry, model: str, decision: str, change: Callable[[Route], Route], first: Route | None
) -> Route:
    key = layout.route(model)
    blob = _get(models, key)
    if blob is None:
        if first is None:
            raise NotFound(f"no version of model {model} serves yet; train or promote one first.")
        models.create(key, first.encode())
        return first
    route = Route.decode(blob.data)
    if route.made_by(decision):
        return route
    changed = change(route)
    models.replace(key, changed.encode(), blob.info.version)
    return changed


def _get(models: Reads, key: str) -> Blob | None:
    try:
        return models.get(key)
    except NotFound:
        return None


def _journal(
    models: Registry, clock: Clock, kind: str, route: Route, decision: str, evidence: Mapping[str, Any], code: str
) -> None:
    """Journal what the decision changed, even if later decisions have changed it again since."""
    change = route.made_by(decision)
    assert change is not None
    facts = {**evidence, "champion": change.champion, "challenger": change.challenger, "revision": change.revision}
    record(models, clock, route.model, decision=decision, kind=kind, evidence=facts, code=code)
