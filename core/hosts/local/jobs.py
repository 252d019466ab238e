"""Jobs on this machine: queued durably, run as subprocesses."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import threading
from collections.abc import Mapping

from ...declaration import declarations
from ...errors import Permanent, Transient
from ...settings import Settings
from ..job import DONE, PERMANENT_FAILURE
from .queue import Queue, Work

POLL = 0.2
"""Seconds between two looks at whether to stop."""


class QueuedJobs:
    """A JobRunner that leaves the job to the local host's queue."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue

    def start(self, job: str, name: str, arguments: Mapping[str, str]) -> None:
        """Queue the job, unless one of this name was ever queued."""
        subject = " ".join(arguments.values())
        self._queue.add([Work(f"job {name}", job, subject, arguments, declarations()[job].order)])


def run_job(work: Work, settings: Settings, stopping: threading.Event) -> Mapping[str, object]:
    """Run the job to its end in a process of its own; its reply.

    Raises Permanent or Transient if it failed, and Transient if `stopping` ended it.
    """
    command = [sys.executable, "-m", f"functions.{work.function}", *work.arguments.values()]
    environment = {**settings.environ, "TIDEMILL_STORE": settings.store, "TIDEMILL_SPECS": str(settings.specs)}
    environment["TIDEMILL_LOG_LEVEL"] = logging.getLevelName(logging.getLogger().level)
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own module
        lines = _output(process, stopping).strip().splitlines()
    if process.returncode == DONE:
        reply: Mapping[str, object] = json.loads(lines[-1])
        return reply
    reason = lines[-1] if lines else f"the job {work.function} ended with code {process.returncode} and said nothing."
    raise Permanent(reason) if process.returncode == PERMANENT_FAILURE else Transient(reason)


def _output(process: subprocess.Popen[str], stopping: threading.Event) -> str:
    """All that it prints, until it ends or is told to."""
    while True:
        try:
            return process.communicate(timeout=POLL)[0]
        except subprocess.TimeoutExpired:
            if stopping.is_set():
                process.terminate()
