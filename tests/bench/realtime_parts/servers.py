"""Servers in processes of their own, and the load generator in another."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from statistics import median

from tests.servers.process import running

from .model import MODEL, onnx_file

ROOT = Path(__file__).parents[3]
PARTS = __package__


def floor(folder: Path) -> AbstractContextManager[str]:
    """The floor's URL."""
    return running("floor", lambda port: _module("floor", str(onnx_file(folder)), str(port)), lambda _port: {})


def ours(folder: Path) -> AbstractContextManager[str]:
    """Our URL; answers are logged, buffered, into the same folder."""
    environ = {"TIDEMILL_STORE": f"file://{folder}/{{zone}}", "TIDEMILL_SERVE": MODEL, "TIDEMILL_ACCESS": "none"}
    return running("ours", lambda port: _module("ours", str(port)), lambda _port: environ)


@contextmanager
def both(folder: Path) -> Iterator[dict[str, str]]:
    """The URLs to ask, of each."""
    with floor(folder) as low, ours(folder) as high:
        yield {name: f"{url}/v1/models/{MODEL}:predict" for name, url in (("floor", low), ("ours", high))}


def ask(url: str, body: Path, clients: int, seconds: float) -> dict[str, float]:
    """One round of load."""
    command = _module("load", url, str(body), str(clients), str(seconds))
    done = subprocess.run(command, cwd=ROOT, env={**os.environ}, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    found: dict[str, float] = json.loads(done.stdout)
    if found["failed"]:
        raise SystemExit(f"{found['failed']} of {found['requests']} answers of {url} were not 200")
    return found


def in_turn(
    urls: Mapping[str, str], body: Path, clients: int, seconds: float, rounds: int
) -> dict[str, dict[str, float]]:
    """Medians of all rounds, each server asked once a round."""
    found: dict[str, list[dict[str, float]]] = {name: [] for name in urls}
    for _ in range(rounds):
        for name, url in urls.items():
            found[name].append(ask(url, body, clients, seconds))
    return {name: _medians(several) for name, several in found.items()}


def _medians(several: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {key: round(median(each[key] for each in several), 4) for key in ("p50_ms", "p99_ms", "per_second")}


def _module(name: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", f"{PARTS}.{name}", *arguments]
