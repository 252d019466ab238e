"""How much more the agent takes than a bare script with the same model: until it answers, and of memory.

`python -m tests.bench.edge --json` prints {"start_ratio", "extra_mb", "figures"}. `start_ratio` is the time from the
start of the agent's process to its first answer over HTTP, to that of a script that imports numpy and onnxruntime,
loads the model and predicts one row. `extra_mb` is what the agent has resident more than the script, once it has
answered some hundred requests, counted drift and written telemetry. Processes are started in turn; figures are medians.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection
from pathlib import Path
from statistics import median

from ._common import ROOT, parser, show
from .edge_parts.device import make_device
from .realtime_parts.model import MODEL, make, onnx_file

ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1"}
REQUESTS = 300
SETTLED = 2.5
"""Seconds after which what is done once a second has been done."""
PATH = f"/v1/models/{MODEL}:predict"
JSON = {"content-type": "application/json"}


def main() -> int:
    """Start both in turn."""
    options = parser(str(__doc__).splitlines()[0])
    options.add_argument("--rounds", type=int, default=15, help="starts of each process")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        make(folder)
        (folder / "one.json").write_text(json.dumps({"instances": json.loads((folder / "rows.json").read_text())[:1]}))
        show(measure(folder, chosen.rounds), as_json=chosen.json)
    return 0


def measure(folder: Path, rounds: int) -> dict[str, object]:
    """Medians of times and memory, and how they compare."""
    port = _free_port()
    root = folder / "device"
    root.mkdir()
    make_device(folder, root, port)
    ours, bare = [], []
    for _ in range(rounds + 1):  # the first one warms the caches of the file system
        with _bare(folder) as (took, _):
            bare.append(took)
        with _ours(root, port, folder) as (took, _):
            ours.append(took)
    with _bare(folder) as (_, process):
        least = _resident_mb(process.pid)
    with _ours(root, port, folder) as (_, process):
        _ask(port, (folder / "one.json").read_bytes(), REQUESTS)
        time.sleep(SETTLED)
        taken = _resident_mb(process.pid)
    times = {name: round(median(each[1:]) * 1000, 1) for name, each in (("ours", ours), ("bare", bare))}
    return {
        "start_ratio": round(times["ours"] / times["bare"], 3),
        "extra_mb": round(taken - least, 1),
        "figures": {"start_ms": times, "resident_mb": {"ours": round(taken, 1), "bare": round(least, 1)}},
    }


@contextmanager
def _bare(folder: Path) -> Iterator[tuple[float, subprocess.Popen[bytes]]]:
    script = Path(__file__).parent / "edge_parts" / "bare.py"
    command = [sys.executable, str(script), str(onnx_file(folder)), str(folder / "one.json")]
    began = time.perf_counter()
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=_environ()) as process:
        assert process.stdout is not None
        answer = process.stdout.readline()
        took = time.perf_counter() - began
        assert json.loads(answer)["label"]
        yield took, process
        process.communicate(b"\n")


@contextmanager
def _ours(root: Path, port: int, folder: Path) -> Iterator[tuple[float, subprocess.Popen[bytes]]]:
    body = (folder / "one.json").read_bytes()
    command = [sys.executable, "-m", "edge", "run", "--root", str(root)]
    began = time.perf_counter()
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, cwd=ROOT, env=_environ(), stdout=quiet, stderr=quiet) as process:
        try:
            _wait(process, port)
            _ask(port, body, 1)
            yield time.perf_counter() - began, process
        finally:
            process.terminate()


def _wait(process: subprocess.Popen[bytes], port: int) -> None:
    """Until something listens there; looks come often, and cost little."""
    while process.poll() is None:
        with suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.001)
    raise SystemExit(f"the agent ended with {process.returncode}")


def _ask(port: int, body: bytes, times: int) -> None:
    connection = HTTPConnection("127.0.0.1", port)
    for _ in range(times):
        connection.request("POST", PATH, body, JSON)
        answer = connection.getresponse()
        assert answer.status == 200, answer.read()
        assert json.loads(answer.read())["predictions"]
    connection.close()


def _resident_mb(process: int) -> float:
    """https://www.kernel.org/doc/Documentation/filesystems/proc.rst: the second figure of statm is pages resident."""
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


def _environ() -> dict[str, str]:
    return {"PATH": os.defpath, **ONE_THREAD}


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


if __name__ == "__main__":
    sys.exit(main())
