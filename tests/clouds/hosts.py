"""Our own processes, as a platform would start them: on 127.0.0.1, wired by the environment alone."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile

ROOT = Path(__file__).parents[2]
PATIENCE = 60.0
DROPPED = ("TIDEMILL_", "AIP_", "AWS_", "AZURE_", "GOOGLE_", "STORAGE_", "PUBSUB_")


@contextmanager
def process(
    command: list[str], port: int, environ: Mapping[str, str], health: str = "/", cwd: Path = ROOT
) -> Iterator[str]:
    """The URL of a process that listens on `port`, once it answers; what it printed is shown if it fails."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(DROPPED)}
    url = f"http://127.0.0.1:{port}"
    with TemporaryFile() as output:
        started = subprocess.Popen(
            command, cwd=cwd, env={**kept, "PYTHONPATH": str(cwd), **environ}, stdout=output, stderr=output
        )
        try:
            _wait(started, url + health)
            yield url
        except BaseException:
            output.seek(0)
            sys.stderr.write(output.read()[-20_000:].decode(errors="replace"))
            raise
        finally:
            started.terminate()
            try:
                started.wait(timeout=20)
            except subprocess.TimeoutExpired:
                started.kill()
                started.wait()


def container(port: int, environ: Mapping[str, str]) -> object:
    """Every function and the endpoint, as one image runs them."""
    command = [sys.executable, "-m", "uvicorn", "--factory", "core.hosts.container:app"]
    return process([*command, "--host", "127.0.0.1", "--port", str(port)], port, environ, "/v2/health/live")


def _wait(started: subprocess.Popen[bytes], url: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        assert started.poll() is None, "the process ended"
        try:
            urllib.request.urlopen(url, timeout=5).close()
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError(f"{url} does not answer")
