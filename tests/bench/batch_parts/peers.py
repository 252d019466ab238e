"""Other tools on the same file, each in an environment of its own."""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .._common import ROOT, Measured, Unavailable, environment

PEERS = {
    "pandas-scikit-learn": "pandas_scikit_learn",
    "mlflow": "mlflow_pyfunc",
    "ray": "ray_data",
    "dask": "dask_onnx",
}
PLACE = ROOT / "tests" / "bench" / "batch_peers"
PATIENCE = 1_800.0


def peers(folder: Path, ours: Callable[[], Measured], rounds: int) -> dict[str, Any]:
    """Of each: our rows a second over theirs, interleaved; or why it cannot be told."""
    return {name: _peer(folder, name, ours, rounds) for name in PEERS}


def _peer(folder: Path, name: str, ours: Callable[[], Measured], rounds: int) -> dict[str, Any]:
    try:
        python = environment(PLACE / f"{name}.txt")
        pairs = [(_seconds(folder, python, PEERS[name]), ours().result["seconds"]) for _ in range(rounds)]
    except (Unavailable, subprocess.SubprocessError) as error:
        return {"unavailable": str(error)[-500:]}
    theirs, mine = (statistics.median(values) for values in zip(*pairs, strict=True))
    return {"ratio": round(theirs / mine, 2), "seconds": round(theirs, 2)}


def _seconds(folder: Path, python: Path, module: str) -> float:
    output = folder / f"{module}.out"
    shutil.rmtree(output, ignore_errors=True)
    output.unlink(missing_ok=True)
    (onnx,) = folder.glob("models/*/versions/*/model.onnx")
    arguments = [str(folder / "flights.csv"), str(folder / "rows.parquet"), str(output), str(onnx)]
    environ = {**os.environ, "PYTHONPATH": str(ROOT), "RAY_DEDUP_LOGS": "0"}
    command = [str(python), "-m", f"tests.bench.batch_peers.{module}", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False, timeout=PATIENCE)
    if done.returncode:
        raise Unavailable(f"{module}: {done.stderr.strip()[-400:]}")
    return float(json.loads(done.stdout.splitlines()[-1])["seconds"])
