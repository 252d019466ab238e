"""Jobs on this machine: queued durably, run as subprocesses."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping

from ...declaration import declarations
from ...errors import Permanent, Transient
from ...settings import Settings
from .queue import Queue, Work

TEMPORARY_FAILURE = 75
"""EX_TEMPFAIL of sysexits.h: a job that ends so may be tried again."""


class QueuedJobs:
    """A JobRunner that leaves the job to the local host's queue."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue

    def start(self, job: str, name: str, arguments: Mapping[str, str]) -> None:
        """Queue the job, unless one of this name was ever queued."""
        subject = " ".join(arguments.values())
        self._queue.add([Work(f"job {name}", job, subject, arguments, declarations()[job].order)])


def run_job(work: Work, settings: Settings) -> Mapping[str, object]:
    """Run the job to its end in a process of its own; its reply. Raises Permanent or Transient if it failed."""
    command = [sys.executable, "-m", f"functions.{work.function}", *work.arguments.values()]
    environment = {**os.environ, "TIDEMILL_STORE": settings.store, "TIDEMILL_SPECS": str(settings.specs)}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=False)  # noqa: S603 - our own module
    lines = done.stdout.strip().splitlines()
    if done.returncode == 0:
        reply: Mapping[str, object] = json.loads(lines[-1])
        return reply
    reason = lines[-1] if lines else f"the job {work.function} ended with code {done.returncode} and said nothing."
    raise Permanent(reason) if done.returncode == 1 else Transient(reason)
