"""Starting a server program, waiting until it answers, stopping it."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from tempfile import TemporaryFile

ATTEMPTS = 3
PATIENCE = 60.0


class CannotStart(Exception):
    """The server ended, or never answered; holds the end of what it printed."""


def free_port() -> int:
    """A port that nobody listens on now; whoever takes it first has it, so starting is tried more than once."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def running(
    name: str, command: Callable[[int], list[str]], environ: Callable[[int], Mapping[str, str]]
) -> Iterator[str]:
    """The `http://127.0.0.1:port` of a server that runs inside the `with`."""
    for attempt in range(1, ATTEMPTS + 1):
        port = free_port()
        with TemporaryFile() as output:
            process = subprocess.Popen(command(port), env={**os.environ, **environ(port)}, stdout=output, stderr=output)
            try:
                if _answers(process, port):
                    yield f"http://127.0.0.1:{port}"
                    return
                if attempt == ATTEMPTS:
                    output.seek(0)
                    raise CannotStart(f"{name}: {output.read()[-2000:].decode(errors='replace')}")
            finally:
                _stop(process)


def _answers(process: subprocess.Popen[bytes], port: int) -> bool:
    deadline = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return True
    return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
