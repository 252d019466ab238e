"""A scheduler and workers of Dask in processes of their own, as somebody else would run them."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from socket import create_connection, socket

ROOT = Path(__file__).parents[3]
PATIENCE = 60.0


@dataclass
class Cluster:
    """`url` is the scheduler's."""

    url: str
    folder: Path
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def add_worker(self) -> subprocess.Popen[bytes]:
        """Start a worker of one thread, without a nanny, so that its process can be killed for good."""
        place = ["--no-nanny", "--nthreads", "1", "--no-dashboard", "--local-directory", str(self.folder)]
        self.workers.append(_start("distributed.cli.dask_worker", self.url, *place))
        return self.workers[-1]


@contextmanager
def cluster(folder: Path, workers: int = 2) -> Iterator[Cluster]:
    """A scheduler with `workers`, on a free port of this machine."""
    with socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    scheduler = _start(
        "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard", "--no-show"
    )
    made = Cluster(f"tcp://127.0.0.1:{port}", folder)
    try:
        _wait(port)
        for _ in range(workers):
            made.add_worker()
        yield made
    finally:
        for process in [*made.workers, scheduler]:
            process.kill()
            process.wait()


def _start(module: str, *arguments: str) -> subprocess.Popen[bytes]:
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    environ = {**os.environ, **threads, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen([sys.executable, "-m", module, *arguments], env=environ, stderr=subprocess.DEVNULL)


def _wait(port: int) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        with suppress(OSError), create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.1)
    raise TimeoutError(f"no scheduler at port {port}")
