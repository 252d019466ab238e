"""Ingest: a dropped file -> an immutable dataset, and a quarantine with the reasons."""

from __future__ import annotations

from typing import Any

from core.events.messages import ObjectCreated
from core.layout import model_of
from core.runtime import Runtime
from core.usecases.ingest import ingest


def handle(event: ObjectCreated, runtime: Runtime) -> dict[str, Any]:
    """Ingest the file as it is now: a version that was replaced meanwhile has an event of its own."""
    receipt = ingest(
        runtime.store("landing"),
        runtime.store("datasets"),
        runtime.store("quarantine"),
        runtime.store("reports"),
        key=event.key,
        spec=runtime.spec(model_of(event.key)),
        code=runtime.code,
    )
    return {"dataset": receipt.dataset, "rows": receipt.rows, "rejected": receipt.rejected}
