"""Jobs as child processes of the host that asks for them: TIDEMILL_JOBS=process://, for one machine without a cloud.

A job ends with its host; what it had claimed is free again when its lease is over.
"""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from collections.abc import Mapping
from urllib.parse import SplitResult

log = logging.getLogger("tidemill")


class ProcessJobs:
    """Runs one job at a time, the others wait. A name that runs, waits or has succeeded is not started again."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = dict(environ)
        self._names: set[str] = set()
        self._lock = threading.Lock()
        self._turn = threading.Lock()

    def start(self, job: str, name: str, arguments: Mapping[str, str]) -> None:
        """Start the job, and return at once."""
        with self._lock:
            if name in self._names:
                return
            self._names.add(name)
        command = [sys.executable, "-m", f"functions.{job}", *arguments.values()]
        threading.Thread(target=self._run, args=(name, command), name=f"tidemill-{job}", daemon=True).start()

    def _run(self, name: str, command: list[str]) -> None:
        with self._turn:
            done = subprocess.run(command, env=self._environ, stdout=subprocess.PIPE, text=True, check=False)  # noqa: S603 - our own module
        said = done.stdout.strip().rsplit("\n", 1)[-1]
        if done.returncode == 0:
            log.info("job %s", name, extra={"facts": {"reply": said}})
            return
        log.error("job %s ended with code %d: %s", name, done.returncode, said)
        with self._lock:
            self._names.discard(name)


def open_process(url: SplitResult, environ: Mapping[str, str]) -> ProcessJobs:  # noqa: ARG001 - every factory has one signature
    """The runner of process://."""
    return ProcessJobs(environ)
