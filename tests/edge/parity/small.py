"""Releases of the penguins' models, good and bad, as folders."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from core import layout
from core.domain.canonical import canonical_json
from edge.release import (
    GOLDEN,
    MODEL_JSON,
    MODEL_ONNX,
    OPERATORS,
    PROFILE,
    SIGNATURE,
    FileFact,
    ReleaseManifest,
    Requirements,
    Variant,
    sign_manifest,
)
from edge.signing import SigningKey
from tests.edge.releases import KEY
from tests.penguins import Version

Change = Callable[[dict[str, Any]], None]


def write(folder: Path, version: Version, sequence: int = 1, *, key: SigningKey = KEY) -> Path:
    """Write a release of `version` into `folder`."""
    served = {name: version.files[name] for name in (MODEL_ONNX, GOLDEN)}
    told = canonical_json(version.manifest.to_json())
    files = {**served, MODEL_JSON: told, PROFILE: b"{}", OPERATORS: b"# none are told\n"}
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    _sign(folder, _manifest(version, sequence, files), key)
    return folder


def _manifest(version: Version, sequence: int, files: dict[str, bytes]) -> bytes:
    return ReleaseManifest(
        model=version.manifest.model,
        version=version.version,
        sequence=sequence,
        created="2026-11-24T12:00:00+00:00",
        variant=Variant("full", {"quality_loss": 0.01}, {}),
        schema=version.manifest.schema,
        classes=version.manifest.classes,
        files={name: FileFact.of(data) for name, data in files.items()},
        requires=Requirements(20.0, {"ai.onnx.ml": 1}, ("LinearClassifier",), ">=1.20"),
        lineage={},
        privacy={"sensitive": [], "logged": []},
    ).encode()


def change_manifest(folder: Path, change: Change, *, key: SigningKey = KEY) -> None:
    """Change the manifest, and sign it again."""
    fields = json.loads((folder / layout.MANIFEST).read_bytes())
    change(fields)
    _sign(folder, canonical_json(fields), key)


def change_file(folder: Path, name: str, data: bytes) -> None:
    """Put other bytes in the place of a file, and sign that."""
    (folder / name).write_bytes(data)
    fact = {"sha256": FileFact.of(data).sha256, "size": len(data)}
    change_manifest(folder, lambda fields: fields["files"].update({name: fact}))


def flip(path: Path) -> None:
    """Flip a bit in the middle."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def _sign(folder: Path, manifest: bytes, key: SigningKey) -> None:
    (folder / layout.MANIFEST).write_bytes(manifest)
    (folder / SIGNATURE).write_bytes(sign_manifest(manifest, key))
