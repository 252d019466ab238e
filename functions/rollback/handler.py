"""Rollback: a performance report -> whether an earlier version serves again."""

from __future__ import annotations

from typing import Any

from core.events.messages import ObjectCreated
from core.layout import model_of
from core.runtime import Runtime
from core.usecases.judge_rollback import judge_rollback


def handle(event: ObjectCreated, runtime: Runtime) -> dict[str, Any]:
    """Judge the serving version, if the report says that it got worse."""
    verdict = judge_rollback(
        runtime.store("predictions"),
        runtime.store("models"),
        runtime.store("datasets"),
        runtime.store("reports"),
        report=event.key,
        spec=runtime.spec(model_of(event.key)),
        load=runtime.load,
        clock=runtime.clock,
        code=runtime.code,
    )
    if verdict is None:
        return {"judged": False}
    return {"judged": True, "successor": verdict.successor, "reason": verdict.reason}
