"""Drift check: a schedule -> what was asked and answered, compared with what was learned from and with what is true."""

from __future__ import annotations

from typing import Any

from core.events.messages import ScheduleFired
from core.runtime import Runtime
from core.usecases.check_drift import check_drift
from core.usecases.check_fleet import check_fleet
from core.usecases.check_performance import check_performance
from core.usecases.judge_experiment import judge_experiment


def handle(event: ScheduleFired, runtime: Runtime) -> dict[str, Any]:
    """Check everything that no earlier check has covered, and judge the challenger if there is one."""
    spec, code = runtime.spec(event.model), runtime.code
    predictions = runtime.store("predictions")
    models = runtime.store("models")
    datasets = runtime.store("datasets")
    reports = runtime.store("reports")
    drift = check_drift(predictions, models, datasets, reports, spec=spec, code=code)
    performance = check_performance(predictions, models, datasets, reports, spec=spec, code=code)
    fleet = check_fleet(runtime.store("edge"), models, datasets, reports, spec=spec, code=code)
    trial = judge_experiment(predictions, models, datasets, spec=spec, clock=runtime.clock, code=code)
    return {
        "rows": drift.rows,
        "drifted": drift.drifted,
        "report": drift.key,
        "reason": drift.reason,
        "performance": {"report": performance.key, "degraded": performance.degraded, "reason": performance.reason},
        "fleet": [
            {"group": check.group, "version": check.version, "rows": check.drift.rows, "drifted": check.drift.drifted}
            for check in fleet
        ],
        "trial": trial and {"verdict": trial.verdict, "decided": trial.decided},
    }
