"""`python -m core.hosts.scheduled FUNCTION MODEL`: what a clock starts that starts containers, such as a CronJob."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

from ..adapters.jobs import open_jobs
from ..declaration import declarations
from ..errors import BadInput
from ..events.messages import ScheduleFired
from ..layout import check_model_name
from ..runtime import Runtime
from .job import run


def handle(event: ScheduleFired, runtime: Runtime) -> Mapping[str, Any]:
    """Call the function that the schedule is for; raises BadInput if there is no such one."""
    scheduled = [each.name for each in declarations().values() if each.schedule]
    if event.schedule not in scheduled:
        raise BadInput(f"function {event.schedule[:80]!r} has no schedule; those that have are {', '.join(scheduled)}.")
    check_model_name(event.model)
    settings = runtime.settings
    runtime = Runtime(settings, jobs=open_jobs(settings.jobs, settings.environ))
    reply: Mapping[str, Any] = import_module(f"functions.{event.schedule}.handler").handle(event, runtime)
    return reply


def main(function: str, model: str) -> int:
    """Take the turn; the process's exit code."""
    return run(handle, ScheduleFired(function, model, datetime.now(UTC)))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
