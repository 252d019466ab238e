"""Servers in processes of their own, and the load generator in another."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from tests.servers.process import running

from .model import MODEL, onnx_file

ROOT = Path(__file__).parents[3]
PARTS = __package__


class Broken(Exception):
    """A server that did not take the load."""


@dataclass(frozen=True)
class Target:
    """Where a server is asked, and the file of what it is asked."""

    url: str
    body: Path


def floor(folder: Path) -> AbstractContextManager[str]:
    """The floor's URL."""
    return running("floor", lambda port: module("floor", str(onnx_file(folder)), str(port)), lambda _port: {})


def ours(folder: Path) -> AbstractContextManager[str]:
    """Our URL; answers are logged, buffered, into the same folder."""
    return running("ours", lambda port: module("ours", str(port)), lambda _port: environment(folder))


def environment(folder: Path) -> dict[str, str]:
    """How ours is set up."""
    return {"TIDEMILL_STORE": f"file://{folder}/{{zone}}", "TIDEMILL_SERVE": MODEL, "TIDEMILL_ACCESS": "none"}


@contextmanager
def both(folder: Path) -> Iterator[dict[str, str]]:
    """The URLs to ask, of each."""
    with floor(folder) as low, ours(folder) as high:
        yield {name: f"{url}/v1/models/{MODEL}:predict" for name, url in (("floor", low), ("ours", high))}


def ask(target: Target, clients: int, seconds: float) -> dict[str, float]:
    """One round of load; raises Broken if the server drops a connection."""
    command = module("load", target.url, str(target.body), str(clients), str(seconds))
    done = subprocess.run(command, cwd=ROOT, env={**os.environ}, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Broken(f"{target.url}: {done.stderr.strip()[-500:]}")
    found: dict[str, float] = json.loads(done.stdout)
    return found


def in_turn(targets: Mapping[str, Target], clients: int, seconds: float, rounds: int) -> dict[str, dict[str, float]]:
    """Medians of all rounds, each server asked once a round, and how many answers were not 200."""
    found: dict[str, list[dict[str, float]]] = {name: [] for name in targets}
    for _ in range(rounds):
        for name, target in targets.items():
            found[name].append(ask(target, clients, seconds))
    return {name: _medians(several) for name, several in found.items()}


def _medians(several: Sequence[Mapping[str, float]]) -> dict[str, float]:
    medians = {key: round(median(each[key] for each in several), 4) for key in ("p50_ms", "p99_ms", "per_second")}
    return {**medians, "failed": sum(each["failed"] for each in several)}


def module(name: str, *arguments: str) -> list[str]:
    """The command of a program beside this one."""
    return [sys.executable, "-m", f"{PARTS}.{name}", *arguments]
