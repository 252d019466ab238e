"""Train trigger: a report or a schedule -> whether to train, why, and the job that was started."""

from __future__ import annotations

from typing import Any

from core.events.messages import ObjectCreated, ScheduleFired
from core.layout import model_of
from core.runtime import Runtime
from core.usecases.trigger_training import SCHEDULE, trigger_training


def handle(event: ObjectCreated | ScheduleFired, runtime: Runtime) -> dict[str, Any]:
    """Decide on what is stored; the event only wakes."""
    if isinstance(event, ScheduleFired):
        model, cause = event.model, SCHEDULE
    else:
        model, cause = model_of(event.key), event.key
    outcome = trigger_training(
        runtime.store("models"),
        runtime.store("datasets"),
        runtime.store("reports"),
        runtime.jobs,
        runtime.clock,
        runtime.spec(model),
        cause=cause,
        code=runtime.code,
    )
    return {"train": outcome.answer.train, "reason": outcome.answer.reason, "job": outcome.job}
