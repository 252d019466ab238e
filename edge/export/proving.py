"""A release in a folder, verified and asked for its golden rows here."""

from __future__ import annotations

from pathlib import Path

from core.domain.model import ModelManifest
from core.inference.golden import Golden, check_golden
from core.ports import LoadPredictor

from ..release import GOLDEN, MODEL_JSON, MODEL_ONNX, Release, verify_folder
from ..trust import Trust


def prove_folder(folder: Path, trust: Trust, load: LoadPredictor) -> Release:
    """Verify a release, then run it; raises as `verify_folder` does, and Corrupt if it answers otherwise."""
    release = verify_folder(folder, trust)
    manifest = ModelManifest.decode((folder / MODEL_JSON).read_bytes())
    predictor = load((folder / MODEL_ONNX).read_bytes(), manifest)
    check_golden(predictor, Golden.decode((folder / GOLDEN).read_bytes()))
    return release
