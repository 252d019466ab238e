"""A carrier's own commands, run by a shell on this machine, with this environment's Python as the device's."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PATIENCE = 60


def environment(folder: Path, **more: str) -> Mapping[str, str]:
    """With `python` on the path."""
    tools = folder / "tools"
    tools.mkdir(exist_ok=True)
    if not (tools / "python").exists():
        (tools / "python").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
        (tools / "python").chmod(0o755)
    return {**os.environ, "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}", **more}


def run(command: list[str], environ: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Until it ends."""
    return subprocess.run(command, env=environ, capture_output=True, text=True, check=False, timeout=PATIENCE)


@contextmanager
def running(command: list[str], environ: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """In the background; ended as a carrier ends it."""
    process = subprocess.Popen(command, env=environ)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(timeout=PATIENCE)


def free_port() -> int:
    """One that nobody uses now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def answer(port: int, model: str, row: Mapping[str, Any]) -> tuple[str, Any]:
    """The version that answers, and its answer; waits until there is one."""
    body = json.dumps({"instances": [row]}).encode()
    url, headers = f"http://127.0.0.1:{port}/v1/models/{model}:predict", {"content-type": "application/json"}
    request = urllib.request.Request(url, data=body, headers=headers)
    for _ in range(10 * PATIENCE):
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as found:
                return found.headers["x-tidemill-model-version"], json.load(found)["predictions"][0]
        except (urllib.error.HTTPError, OSError) as error:
            if isinstance(error, urllib.error.HTTPError) and error.code != 503:
                raise
            time.sleep(0.1)
    raise AssertionError("nobody answers")
