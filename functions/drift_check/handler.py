"""Drift check: a schedule -> what was asked and answered, compared with what the serving version learned from."""

from __future__ import annotations

from typing import Any

from core.events.messages import ScheduleFired
from core.runtime import Runtime
from core.usecases.check_drift import check_drift


def handle(event: ScheduleFired, runtime: Runtime) -> dict[str, Any]:
    """Check everything that no earlier check has covered."""
    report = check_drift(
        runtime.store("predictions"),
        runtime.store("models"),
        runtime.store("datasets"),
        runtime.store("reports"),
        spec=runtime.spec(event.model),
        code=runtime.code,
    )
    return {"rows": report.rows, "drifted": report.drifted, "report": report.key, "reason": report.reason}
