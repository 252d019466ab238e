"""The golden rows of a release, answered on this device: the proof that it answers as where it was made."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ..release import GOLDEN, MODEL_JSON, MODEL_ONNX
from . import files

MOST = 4 * 1024**3

Prove = Callable[[Path], None]
"""Raises Corrupt if the release in a folder does not answer as it should. May take the process with it."""


def prove(folder: Path) -> None:
    """Load the model of a verified release, and ask it for its golden rows; raises Corrupt if it answers otherwise."""
    from core.domain.model import ModelManifest  # noqa: PLC0415 - numpy and onnxruntime are needed here alone
    from core.inference.golden import Golden, check_golden  # noqa: PLC0415
    from core.inference.predictor import load_predictor  # noqa: PLC0415

    manifest, onnx, golden = (files.read(folder / name, MOST) for name in (MODEL_JSON, MODEL_ONNX, GOLDEN))
    check_golden(load_predictor(onnx, ModelManifest.decode(manifest)), Golden.decode(golden))
