"""A stand-in for the jobs of Azure Container Apps that queues start: it looks at the queues, and starts processes."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from .hosts import DROPPED, ROOT
from .queues import waiting

LOOK = 0.5
COMMAND = [sys.executable, "-m", "core.hosts.queued"]


class Jobs:
    """One job a queue, by its function: `environ` is what its container gets. `failed` are the executions that did."""

    def __init__(self, environ: Mapping[str, Mapping[str, str]], log: Path) -> None:
        self.failed: list[str] = []
        self._environ = environ
        self._log = log
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._stopping = threading.Event()

    def look(self) -> None:
        with self._log.open("ab") as log:
            while not self._stopping.wait(LOOK):
                for name, environ in self._environ.items():
                    if not self._is_running(name) and waiting(environ["TIDEMILL_QUEUE"]):
                        kept = {key: value for key, value in os.environ.items() if not key.startswith(DROPPED)}
                        given = {**kept, "PYTHONPATH": str(ROOT), **environ}
                        self._running[name] = subprocess.Popen(COMMAND, cwd=ROOT, env=given, stdout=log, stderr=log)
            for name in list(self._running):
                self._running[name].terminate()
                self._running[name].wait(timeout=20)

    def _is_running(self, name: str) -> bool:
        process = self._running.get(name)
        if process is None or process.poll() is None:
            return process is not None
        del self._running[name]
        if process.returncode:
            self.failed.append(name)
        return False

    def stop(self) -> None:
        self._stopping.set()


@contextmanager
def container_apps(environ: Mapping[str, Mapping[str, str]], log: Path) -> Iterator[Jobs]:
    """They run inside of the `with`; what they print is shown if it fails."""
    jobs = Jobs(environ, log)
    looking = threading.Thread(target=jobs.look)
    looking.start()
    try:
        yield jobs
    except BaseException:
        sys.stderr.write(log.read_text("utf-8", errors="replace")[-20_000:])
        raise
    finally:
        jobs.stop()
        looking.join()
