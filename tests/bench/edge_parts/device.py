"""A device with the realtime bench's model in its slot, as an installation leaves it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from core import layout
from core.domain.canonical import canonical_json, sha256
from core.domain.model import GOLDEN, ONNX, PROFILE, ModelManifest
from core.domain.profile import Profile
from edge.agent import slots
from edge.agent.config import DEVICE, Device
from edge.agent.state import STATE, State
from edge.release import MODEL_JSON, SIGNATURE, FileFact, ReleaseManifest, Requirements, Variant, release_id

from ..realtime_parts.model import MODEL, VERSIONS


def make_device(folder: Path, root: Path, port: int) -> None:
    """Make the device in `root`, of the version in `folder/models`."""
    at = folder / "models" / layout.model_file(MODEL, VERSIONS[0], "")
    profile = replace(
        Profile.decode((at / PROFILE).read_bytes()),
        target=None,
        correlations=None,
        joint=None,
        seasons=None,
        output_seasons=None,
    )
    files = {name: (at / name).read_bytes() for name in (ONNX, GOLDEN)} | {PROFILE: profile.encode()}
    made = ModelManifest.decode((at / layout.MANIFEST).read_bytes())
    served = replace(made, files={name: sha256(data) for name, data in files.items()})
    files[MODEL_JSON] = canonical_json(served.to_json())
    manifest = _manifest(served, files).encode()
    place = slots.folder(root, "a")
    place.mkdir(parents=True)
    for name, data in {**files, layout.MANIFEST: manifest, SIGNATURE: b"{}"}.items():
        (place / name).write_bytes(data)
    state = State(active="a", releases={"a": release_id(1, manifest)}, highest=1)
    (root / STATE).write_bytes(state.encode())
    (root / DEVICE).write_bytes(Device("bench-1", MODEL, port=port).encode())


def _manifest(served: ModelManifest, files: dict[str, bytes]) -> ReleaseManifest:
    return ReleaseManifest(
        model=served.model,
        version=served.version,
        sequence=1,
        created="2026-11-24T12:00:00+00:00",
        variant=Variant("full", {}, {}),
        schema=served.schema,
        classes=served.classes,
        files={name: FileFact.of(data) for name, data in files.items()},
        requires=Requirements(1.0, {}, (), ""),
        lineage={},
        privacy={"sensitive": [], "logged": list(served.schema.feature_names)},
    )
