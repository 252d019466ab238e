"""How much memory a model takes on a device: measured in a process of its own, where nothing else is loaded."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from core.domain.canonical import canonical_json
from core.domain.model import ModelManifest
from core.errors import Refused
from core.inference.golden import Golden
from core.usecases.load_model import IN_MEMORY

from ..release import GOLDEN, MODEL_JSON, MODEL_ONNX

MB = 1e6
SECONDS = 600
_STATUS, _PEAK = Path("/proc/self/status"), Path("/proc/self/clear_refs")
_RESET_PEAK = "5"
"""What proc(5) says to write into clear_refs."""


def memory_mb(onnx: bytes, manifest: ModelManifest, golden: bytes) -> float:
    """MB that loading the model and answering its golden rows takes, beyond an interpreter with onnxruntime.

    At least three times the bytes of the file, which is what an endpoint reckons with; that alone where the system
    tells no peak of a process. Raises Refused if the process dies of it.
    """
    reckoned = len(onnx) * IN_MEMORY / MB
    measured = _measured(onnx, manifest, golden) if _PEAK.exists() else 0.0
    return math.ceil(max(reckoned, measured) * 10) / 10


def _measured(onnx: bytes, manifest: ModelManifest, golden: bytes) -> float:
    program = f"import sys; sys.path[:] = {sys.path!r}; from {__name__} import main; main(sys.argv[1])"
    with TemporaryDirectory(prefix="tidemill-") as folder:
        files = {MODEL_ONNX: onnx, MODEL_JSON: canonical_json(manifest.to_json()), GOLDEN: golden}
        for name, data in files.items():
            (Path(folder) / name).write_bytes(data)
        command = [sys.executable, "-c", program, folder]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=SECONDS)  # noqa: S603
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise Refused(f"the model ends a process of its own with code {done.returncode}: {last[:200]}")
    return float(done.stdout)


def main(folder: str) -> None:
    """Print the MB that the model in `folder` takes in this process."""
    from core.inference.predictor import load_predictor  # noqa: PLC0415 - in the child alone

    onnx, manifest, golden = ((Path(folder) / name).read_bytes() for name in (MODEL_ONNX, MODEL_JSON, GOLDEN))
    described, rows = ModelManifest.decode(manifest), Golden.decode(golden).columns
    _PEAK.write_text(_RESET_PEAK)
    before = _kilobytes("VmRSS")
    load_predictor(onnx, described).predict(rows)
    sys.stdout.write(f"{(_kilobytes('VmHWM') - before) * 1024 / MB}\n")


def _kilobytes(field: str) -> int:
    lines = _STATUS.read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{field}:"))
