"""Batch inference: a dropped file, a first version or a schedule -> answered rows."""

from __future__ import annotations

from typing import Any

from core.events.messages import ObjectCreated, ScheduleFired
from core.layout import model_of
from core.runtime import Runtime
from core.usecases.batch_progress import logged_meter
from core.usecases.score_batch import Means
from core.usecases.score_new import score_new


def handle(event: ObjectCreated | ScheduleFired, runtime: Runtime) -> dict[str, Any]:
    """Score the file that was dropped, in the version that was; on any other event, every file that waits."""
    dropped = event if isinstance(event, ObjectCreated) and event.zone == "landing" else None
    model = event.model if isinstance(event, ScheduleFired) else model_of(event.key)
    meter = logged_meter(model)
    found = score_new(
        runtime.store("landing"),
        runtime.store("models"),
        runtime.store("predictions"),
        runtime.store("quarantine"),
        model=model,
        key=dropped.key if dropped else None,
        version=dropped.version if dropped else None,
        means=Means(runtime.load, runtime.clock, runtime.code, runtime.seconds_left, tell=meter.tell),
        keep=runtime.spec(model).batch.keep,
    )
    meter.done()
    return found
