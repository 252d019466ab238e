"""Load a model version from the models zone, proving first that its bytes are the ones that were made."""

from __future__ import annotations

import msgspec

from .. import layout
from ..domain.canonical import sha256
from ..domain.model import GOLDEN, ONNX, ModelManifest
from ..errors import Corrupt, NotFound
from ..inference.golden import Golden, check_golden
from ..ports import LoadPredictor, Predictor, Reads

IN_MEMORY = 3
"""Bytes of memory that a session takes for a byte of its file."""


class LoadedModel(msgspec.Struct, frozen=True):
    """One version, ready to answer. `size` is what it takes in memory, in bytes, as far as its file tells."""

    manifest: ModelManifest
    predictor: Predictor
    size: int = 0

    @property
    def version(self) -> str:
        """Which version this is."""
        return self.manifest.version


def load_version(models: Reads, model: str, version: str, load: LoadPredictor) -> LoadedModel:
    """Load `version` of `model`.

    Raises NotFound if there is no such version, Corrupt if its files are not what its manifest says.
    """
    manifest = read_manifest(models, model, version)
    onnx = read_file(models, manifest, ONNX)
    return LoadedModel(manifest, load(onnx, manifest), len(onnx) * IN_MEMORY)


def read_manifest(models: Reads, model: str, version: str) -> ModelManifest:
    """The manifest of `version`; raises NotFound if there is no such version, Corrupt if it is another's."""
    try:
        blob = models.get(layout.model_manifest(model, version))
    except NotFound as error:
        raise NotFound(f"model {model} has no version {version}: `tidemill models show {model}` lists them.") from error
    manifest = ModelManifest.decode(blob.data)
    if (manifest.model, manifest.version) != (model, version):
        raise Corrupt(
            f"the manifest of version {version} of model {model} is that of version {manifest.version} "
            f"of model {manifest.model}: train it again."
        )
    return manifest


def read_file(models: Reads, manifest: ModelManifest, name: str) -> bytes:
    """File `name` of a version; raises Corrupt if it is missing, not listed, or not of the hash that is listed."""
    what = f"file {name} of version {manifest.version} of model {manifest.model}"
    try:
        data = models.get(layout.model_file(manifest.model, manifest.version, name)).data
    except NotFound as error:
        raise Corrupt(f"{what} is missing: train it again.") from error
    if manifest.files.get(name) != sha256(data):
        raise Corrupt(f"{what} does not match the hash in the manifest: train it again.")
    return data


def prove(models: Reads, loaded: LoadedModel) -> None:
    """Ask the model for its golden rows; raises Corrupt if it answers otherwise here than where it was made."""
    check_golden(loaded.predictor, Golden.decode(read_file(models, loaded.manifest, GOLDEN)))
