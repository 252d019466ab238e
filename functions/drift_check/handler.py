"""Drift check: a schedule -> what was asked and answered, compared with what the serving version learned from."""

from __future__ import annotations

from typing import Any

from core.events.messages import ScheduleFired
from core.runtime import Runtime
from core.usecases.check_drift import check_drift
from core.usecases.judge_experiment import judge_experiment


def handle(event: ScheduleFired, runtime: Runtime) -> dict[str, Any]:
    """Check everything that no earlier check has covered, and judge the challenger if there is one."""
    spec, code = runtime.spec(event.model), runtime.code
    report = check_drift(
        runtime.store("predictions"),
        runtime.store("models"),
        runtime.store("datasets"),
        runtime.store("reports"),
        spec=spec,
        code=code,
    )
    trial = judge_experiment(
        *(runtime.store("predictions"), runtime.store("models"), runtime.store("datasets")),
        spec=spec,
        clock=runtime.clock,
        code=code,
    )
    return {
        "rows": report.rows,
        "drifted": report.drifted,
        "report": report.key,
        "reason": report.reason,
        "trial": trial and {"verdict": trial.verdict, "decided": trial.decided},
    }
