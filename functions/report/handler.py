"""Report: a decision or a schedule -> the pages of the model."""

from __future__ import annotations

from typing import Any

from core.events.messages import ObjectCreated, ScheduleFired
from core.layout import model_of
from core.runtime import Runtime
from core.usecases.journal import newest_entry
from core.usecases.write_site import write_site


def handle(event: ObjectCreated | ScheduleFired, runtime: Runtime) -> dict[str, Any]:
    """Write what changed; an entry that is not the journal's last leaves that to the last one's event."""
    models = runtime.store("models")
    if isinstance(event, ObjectCreated) and not newest_entry(models, event.key):
        return {"written": 0, "reason": "a later entry of the journal has an event of its own"}
    site = write_site(
        models,
        runtime.store("datasets"),
        runtime.store("reports"),
        runtime.store("quarantine"),
        runtime.store("edge"),
        model=event.model if isinstance(event, ScheduleFired) else model_of(event.key),
    )
    return {"written": len(site.written), "page": site.page}
