"""Train, the job: a claimed training -> a version, and whether it serves."""

from __future__ import annotations

import logging
from typing import Any

from core.events.messages import TrainingClaimed
from core.runtime import Runtime
from core.usecases.train import train


def handle(event: TrainingClaimed, runtime: Runtime) -> dict[str, Any]:
    """Do the training that was claimed."""
    log = logging.getLogger("tidemill")
    trained = train(
        runtime.store("models"),
        runtime.store("datasets"),
        model=event.model,
        training=event.training,
        learner=runtime.learner,
        load=runtime.load,
        clock=runtime.clock,
        code=runtime.code,
        progress=log.info,
    )
    return {"version": trained.version, "promoted": trained.promoted, "reasons": list(trained.reasons)}
