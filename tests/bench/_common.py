"""What every bench does: read its options, run a child process under measurement, print one JSON object."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
import venv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PEERS = ROOT / "build" / "peers"
KIB_PER_MB = 1024


@dataclass(frozen=True)
class Measured:
    """A finished child: the JSON object it printed last, its peak resident memory and its time from start to end."""

    result: dict[str, Any]
    peak_mb: float
    seconds: float


def parser(what: str) -> argparse.ArgumentParser:
    """The options that every bench has."""
    options = argparse.ArgumentParser(description=what)
    options.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    return options


def show(result: dict[str, Any], *, as_json: bool) -> None:
    """Print the result as the last line of stdout, or as a list for people."""
    if as_json:
        sys.stdout.write(json.dumps(result) + "\n")
        return
    width = max(map(len, result))
    sys.stdout.writelines(f"{name:{width}}  {value}\n" for name, value in result.items())


def measure(module: str, arguments: Sequence[str]) -> Measured:
    """Run `python -m module arguments` to its end; its last line of stdout is a JSON object.

    Memory is the kernel's count for the child and what it waited for (getrusage(2), ru_maxrss).
    """
    started = time.perf_counter()
    command = [sys.executable, "-m", module, *arguments]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        output = child.stdout.read()
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{module} ended with {child.returncode}")
    peak = usage.ru_maxrss / KIB_PER_MB if sys.platform == "linux" else usage.ru_maxrss / KIB_PER_MB**2
    return Measured(json.loads(output.splitlines()[-1]), round(peak, 1), round(time.perf_counter() - started, 2))


class Unavailable(SystemExit):
    """A peer that cannot be measured; says why. Where nobody catches it, it ends the bench."""


def environment(pins: Path) -> Path:
    """The Python of an environment that holds the packages in `pins` alone, made once in `build/peers`.

    Raises Unavailable if they cannot be installed; what is half made then, or was left so, is made anew the next time.
    """
    made = hashlib.sha256(pins.read_bytes() + sys.version.encode()).hexdigest()[:12]
    home = PEERS / f"{pins.stem}-{made}"
    whole = home / "installed"
    if not whole.exists():
        shutil.rmtree(home, ignore_errors=True)
        sys.stderr.write(f"installing {pins.stem} into {home} (once)\n")
        venv.create(home, with_pip=False)
        command = [sys.executable, "-m", "pip", "--python", str(home / "bin" / "python"), "install", "--quiet"]
        options = ["--no-deps", "--only-binary", ":all:", "-r", str(pins)]
        done = subprocess.run([*command, *options], cwd=ROOT, stderr=subprocess.PIPE, text=True, check=False)
        if done.returncode:
            raise Unavailable(f"{pins.stem} cannot be installed: {done.stderr.strip()[-1500:]}")
        whole.touch()
    return home / "bin" / "python"
