"""Load the model beside the imports of what will ask for it: onnxruntime needs no interpreter meanwhile."""

from __future__ import annotations

import threading
from contextlib import suppress
from pathlib import Path

from core.domain.canonical import sha256
from core.domain.model import ONNX, ModelManifest
from core.errors import TidemillError
from core.inference.predictor import load_predictor
from core.ports import Predictor

from ..agent import files
from .installed import Installed
from .slot_store import LARGEST


class Ahead:
    """The `LoadPredictor` port, which began with the release in `folder` before it was asked.

    Whatever goes wrong here goes wrong again when it is asked for, and is told then.
    """

    def __init__(self, folder: Path, release: str) -> None:
        self._made: tuple[ModelManifest, Predictor] | None = None
        self._thread = threading.Thread(target=self._begin, args=(folder, release), name="tidemill-ahead", daemon=True)
        self._thread.start()

    def __call__(self, onnx: bytes, manifest: ModelManifest) -> Predictor:
        """The model of `manifest`, whose bytes `onnx` were verified; raises Corrupt if they are no such model."""
        self._thread.join()
        made, self._made = self._made, None
        return made[1] if made is not None and made[0] == manifest else load_predictor(onnx, manifest)

    def _begin(self, folder: Path, release: str) -> None:
        with suppress(TidemillError):
            manifest = ModelManifest.decode(Installed.read(folder, release).model_json)
            onnx = files.read(folder / ONNX, LARGEST)
            if manifest.files[ONNX] == sha256(onnx):
                self._made = manifest, load_predictor(onnx, manifest)
