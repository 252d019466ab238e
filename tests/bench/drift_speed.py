"""How long a drift check takes and how much memory, beside the floor and other libraries.

`python -m tests.bench.drift_speed --json` prints {"floor_ratio", "peak_mb", "peers", "figures"}: our seconds over those
of the floor, and the peak of a window of 10,000,000 rows. With `--peers` each library, in an environment of its own,
has "ratio" (its seconds over ours) and "memory_ratio" (our peak over its). Rounds are interleaved; figures are medians.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from ._common import KIB_PER_MB, ROOT, environment, measure, parser, show

PEERS = ("evidently", "nannyml", "alibi-detect")
PINS = ROOT / "tests" / "bench" / "drift_peers"
QUIET = {"DO_NOT_TRACK": "1", "NML_DISABLE_USAGE_LOGGING": "1"}
"""No peer calls home while it is measured."""
ROWS, LARGE = 100_000, 10_000_000


def main() -> None:
    """Make the rows, start the children, ask them in turn."""
    options = parser(str(__doc__).splitlines()[0])
    options.add_argument("--peers", action="store_true", help="also other libraries, installed once into build/peers")
    options.add_argument("--rows", type=int, default=ROWS, help="of the reference and of the window")
    options.add_argument("--large", type=int, default=LARGE, help="rows of the window that memory is measured on")
    options.add_argument("--rounds", type=int, default=9)
    chosen = options.parse_args()
    peers = PEERS if chosen.peers else ()
    with tempfile.TemporaryDirectory() as folder:
        found = in_turn(Path(folder), chosen.rows, chosen.rounds, peers)
    large = measure("tests.bench.drift_parts.large", [str(chosen.large)])
    show(_told(found, peers, {**large.result, "peak_mb": large.peak_mb}), as_json=chosen.json)


@dataclass
class Child:
    """One contestant: how it is started, and what it was measured at."""

    command: Sequence[str]
    times: list[float] = field(default_factory=list)
    fit: float = 0.0
    peak_mb: float = 0.0

    @contextmanager
    def started(self, folder: Path) -> Iterator[subprocess.Popen[str]]:
        """The process, once it has learned the reference; its peak memory is known when it has ended."""
        environ = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore", **QUIET}
        streams: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        with subprocess.Popen([*self.command, str(folder)], cwd=folder, env=environ, **streams) as child:
            self.fit = _next(child)["fit"]
            yield child
            assert child.stdin is not None
            child.stdin.close()
            _, status, usage = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
            self.peak_mb = round(usage.ru_maxrss / KIB_PER_MB, 1)

    def ask(self, child: subprocess.Popen[str]) -> None:
        """One check."""
        assert child.stdin is not None
        child.stdin.write("\n")
        child.stdin.flush()
        self.times.append(_next(child)["seconds"])


def in_turn(folder: Path, rows: int, rounds: int, peers: Sequence[str]) -> dict[str, Child]:
    """Every contestant, each asked once a round."""
    from .drift_parts.data import write  # noqa: PLC0415 - the children have numpy of their own

    write(folder, rows)
    children = {name: Child([sys.executable, "-m", f"tests.bench.drift_parts.{name}"]) for name in ("floor", "ours")}
    for name in peers:
        module = f"tests.bench.drift_peers.{name.replace('-', '_')}_check"
        children[name] = Child([str(environment(PINS / f"{name}.txt")), "-m", module])
    with ExitStack() as stack:
        processes = {name: stack.enter_context(child.started(folder)) for name, child in children.items()}
        for _ in range(rounds):
            for name, child in children.items():
                child.ask(processes[name])
    return children


def _told(found: dict[str, Child], peers: Sequence[str], large: dict[str, Any]) -> dict[str, Any]:
    seconds = {name: statistics.median(child.times) for name, child in found.items()}
    figures = {
        name: {"seconds": round(seconds[name], 4), "fit": round(child.fit, 2), "peak_mb": child.peak_mb}
        for name, child in found.items()
    }
    return {
        "floor_ratio": round(seconds["ours"] / seconds["floor"], 2),
        "peak_mb": large["peak_mb"],
        "peers": {
            name: {
                "ratio": round(seconds[name] / seconds["ours"], 1),
                "memory_ratio": round(found["ours"].peak_mb / found[name].peak_mb, 2),
                **_installed(name),
            }
            for name in peers
        },
        "figures": {**figures, "large": large},
    }


def _installed(name: str) -> dict[str, Any]:
    """The library's release and the size of its environment's packages."""
    site = next(environment(PINS / f"{name}.txt").parents[1].glob("lib/python*/site-packages"))
    versions = {each.name: each.version for each in distributions(path=[str(site)])}
    size = sum(file.stat().st_size for file in site.rglob("*") if file.is_file() and file.suffix != ".pyc")
    return {"version": versions[name], "installed_mb": round(size / KIB_PER_MB**2)}


def _next(child: subprocess.Popen[str]) -> dict[str, float]:
    """The next JSON object that a child prints; libraries may print other lines."""
    assert child.stdout is not None
    for line in child.stdout:
        if line.startswith("{"):
            found: dict[str, float] = json.loads(line)
            return found
    raise SystemExit(f"{child.args} ended with {child.wait()}")


if __name__ == "__main__":
    main()
