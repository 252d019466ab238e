"""Validate: a dataset -> a report that says whether it may be learned from."""

from __future__ import annotations

from typing import Any

from core.events.messages import ObjectCreated
from core.layout import model_of
from core.runtime import Runtime
from core.usecases.validate import validate


def handle(event: ObjectCreated, runtime: Runtime) -> dict[str, Any]:
    """Judge the dataset whose manifest was written."""
    report = validate(
        runtime.store("datasets"),
        runtime.store("models"),
        runtime.store("reports"),
        key=event.key,
        spec=runtime.spec(model_of(event.key)),
        find=runtime.user_function,
        code=runtime.code,
    )
    if report is None:
        return {"skipped": "labels are not learned from"}
    return {"valid": report.valid, "rows": report.rows, "problems": list(report.problems)}
