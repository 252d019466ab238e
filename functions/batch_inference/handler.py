"""Batch inference: a dropped file, a first version or a schedule -> answered rows."""

from __future__ import annotations

from typing import Any

from core.events.messages import ObjectCreated, ScheduleFired
from core.layout import model_of
from core.runtime import Runtime
from core.usecases.score_new import score_new


def handle(event: ObjectCreated | ScheduleFired, runtime: Runtime) -> dict[str, Any]:
    """Score the file that was dropped; on any other event, every file that waits."""
    dropped = isinstance(event, ObjectCreated) and event.zone == "landing"
    return score_new(
        runtime.store("landing"),
        runtime.store("models"),
        runtime.store("predictions"),
        runtime.store("quarantine"),
        model=event.model if isinstance(event, ScheduleFired) else model_of(event.key),
        key=event.key if dropped else None,  # type: ignore[union-attr]  # a dropped file is an object
        load=runtime.load,
        clock=runtime.clock,
        code=runtime.code,
    )
