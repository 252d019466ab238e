"""Other servers, each in an environment of its own with the same model: scikit-learn's where they normally serve that,
onnxruntime's where their users write the code themselves (`tests/bench/realtime_peers`).

What their environments hold is in `tests/bench/realtime_peers/<name>.txt`.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib.metadata import distributions
from pathlib import Path
from typing import Any, Literal

from tests.servers.process import free_port

from .._common import Unavailable, environment
from .model import training_rows
from .model_names import CATEGORIES, INTEGERS
from .servers import ROOT, Target

PINS = ROOT / "tests" / "bench" / "realtime_peers"
PATIENCE = 120.0
"""Seconds from a server's start to its first answer."""
MIB = 1 << 20
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
"""As ours: more threads a row are slower, and far slower on a busy machine."""

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Peer:
    """How a peer is started, and asked for one row. `{bin}`, `{port}` and `{made}` are filled into the command.

    `made` is the folder of a model that `<name>_prepare.py` has written.
    """

    name: str
    serves: Literal["ONNX", "scikit-learn"]
    command: tuple[str, ...]
    path: str
    body: Callable[[Row], object]
    environ: Mapping[str, str] = field(default_factory=dict)

    @property
    def module(self) -> str:
        """How the names of its files begin."""
        return self.name.replace("-", "_")


def _instances(row: Row) -> object:
    return {"instances": [row]}


def _tensors(row: Row) -> object:
    """V2, with the parameters that tell MLServer to make a pandas frame of it."""
    kinds = {**dict.fromkeys(CATEGORIES, "BYTES"), **dict.fromkeys(INTEGERS, "INT64")}
    tensors = [{"name": name, "shape": [1], "data": [value]} for name, value in row.items()]
    for tensor in tensors:
        tensor["datatype"] = kinds.get(str(tensor["name"]), "FP64")
        if tensor["datatype"] == "BYTES":
            tensor["parameters"] = {"content_type": "str"}
    return {"parameters": {"content_type": "pd"}, "inputs": tensors}


_UVICORN = ("--host", "127.0.0.1", "--port", "{port}", "--log-level", "warning", "--no-access-log")
PEERS = (
    Peer(
        "fastapi",
        "ONNX",
        ("{bin}/uvicorn", "tests.bench.realtime_peers.fastapi_server:app", *_UVICORN),
        "/predict",
        _instances,
    ),
    Peer(
        "functions-framework",
        "ONNX",
        (
            *("{bin}/functions-framework", "--target", "predict", "--host", "127.0.0.1", "--port", "{port}"),
            *("--source", str(PINS / "functions_framework_server.py")),
        ),
        "/",
        _instances,
    ),
    Peer(
        "litserve",
        "ONNX",
        ("{bin}/python", "-m", "tests.bench.realtime_peers.litserve_server", "{port}"),
        "/predict",
        _instances,
    ),
    Peer(
        "bentoml",
        "ONNX",
        (
            *("{bin}/bentoml", "serve", "tests.bench.realtime_peers.bentoml_server:Flights"),
            *("--host", "127.0.0.1", "--port", "{port}", "--working-dir", str(ROOT)),
        ),
        "/predict",
        _instances,
        {"BENTOML_DO_NOT_TRACK": "True", "BENTOML_HOME": "{made}"},
    ),
    Peer(
        "mlserver",
        "scikit-learn",
        ("{bin}/mlserver", "start", "{made}"),
        "/v2/models/flights/infer",
        _tensors,
        {
            "MLSERVER_HOST": "127.0.0.1",
            "MLSERVER_HTTP_PORT": "{port}",
            "MLSERVER_GRPC_PORT": "{another}",
            "MLSERVER_METRICS_PORT": "{third}",
        },
    ),
    Peer(
        "mlflow",
        "scikit-learn",
        (
            *("{bin}/mlflow", "models", "serve", "--model-uri", "{made}", "--env-manager", "local"),
            *("--host", "127.0.0.1", "--port", "{port}", "--workers", "1"),
        ),
        "/invocations",
        lambda row: {"dataframe_records": [row]},
        {"MLFLOW_DISABLE_TELEMETRY": "true"},
    ),
)


def installed(peer: Peer) -> Path:
    """The folder of the peer's programs; raises Unavailable if it cannot be installed."""
    return environment(PINS / f"{peer.name}.txt").parent


def facts(peer: Peer) -> dict[str, Any]:
    """Its release, what it serves, and the size of its packages without compiled modules."""
    site = next(installed(peer).parent.glob("lib/python*/site-packages"))
    found = {each.name: each.version for each in distributions(path=[str(site)])}
    sizes = (file.stat().st_size for file in site.rglob("*") if file.is_file() and file.suffix != ".pyc")
    return {"version": found[peer.name], "serves": peer.serves, "installed_mb": round(sum(sizes) / MIB)}


@contextmanager
def serving(peer: Peer, folder: Path, onnx: Path, row: Row) -> Iterator[tuple[Target, float]]:
    """Where it is asked for `row`, and the seconds from its start to its first answer; raises Unavailable."""
    programs, made = installed(peer), folder / "peers" / peer.name
    made.parent.mkdir(exist_ok=True)
    environ = {**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    environ |= {"PEER_MODEL": str(onnx), **ONE_THREAD}
    if peer.serves == "scikit-learn":
        prepare = [str(programs / "python"), "-m", f"tests.bench.realtime_peers.{peer.module}_prepare"]
        _run([*prepare, str(training_rows(folder)), str(made)], "make its model", environ)
    body = made.with_suffix(".json")
    body.write_text(json.dumps(peer.body(row)))
    port = free_port()
    blanks = {"bin": programs, "made": made, "port": port, "another": free_port(), "third": free_port()}
    environ |= {name: value.format(**blanks) for name, value in peer.environ.items()}
    target = Target(f"http://127.0.0.1:{port}{peer.path}", body)
    with _group([part.format(**blanks) for part in peer.command], environ, made.with_suffix(".log")) as process:
        yield target, _first_answer(process, target, made.with_suffix(".log"))


@contextmanager
def _group(command: list[str], environ: Mapping[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process in a group of its own: some leave their children behind."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=log.parent, env=environ, stdout=output, stderr=output, start_new_session=True
        )
        try:
            yield process
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=10)
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _first_answer(process: subprocess.Popen[bytes], target: Target, log: Path) -> float:
    """Seconds until it answers with 200."""
    began, said = time.monotonic(), "nothing"
    request = urllib.request.Request(target.url, target.body.read_bytes(), {"content-type": "application/json"})
    while process.poll() is None and time.monotonic() - began < PATIENCE:
        try:
            with urllib.request.urlopen(request, timeout=10):
                return time.monotonic() - began
        except urllib.error.HTTPError as error:
            said = f"{error.code}: {error.read()[:500].decode(errors='replace')}"
        except OSError:
            pass
        time.sleep(0.02)
    tail = log.read_text(errors="replace")[-1500:]
    raise Unavailable(f"it did not answer; it said {said}; its log ends with: {tail}")


def _run(command: list[str], what: str, environ: Mapping[str, str] | None = None) -> None:
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Unavailable(f"it could not {what}: {(done.stderr or done.stdout).strip()[-1500:]}")
