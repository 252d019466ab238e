"""Alert: a decision or a schedule -> what is wrong with a model, told to people."""

from __future__ import annotations

from typing import Any

from core.events.messages import ObjectCreated, ScheduleFired
from core.layout import model_of
from core.runtime import Runtime
from core.usecases.alert import alert
from core.usecases.journal import newest_entry


def handle(event: ObjectCreated | ScheduleFired, runtime: Runtime) -> dict[str, Any]:
    """Tell of what is stored; an entry that is not the journal's last leaves that to the last one's event."""
    models = runtime.store("models")
    if isinstance(event, ObjectCreated) and not newest_entry(models, event.key):
        return {"delivered": 0, "reason": "a later entry of the journal has an event of its own"}
    model = event.model if isinstance(event, ScheduleFired) else model_of(event.key)
    told = alert(
        models,
        runtime.store("reports"),
        spec=runtime.spec(model),
        publishers=runtime.publishers,
        clock=runtime.clock,
    )
    return {"unresolved": len(told.unresolved), "delivered": told.delivered}
