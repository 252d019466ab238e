"""Devices with real penguins in their slots: releases are put there as an installation leaves them, and swapped."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from core import layout
from core.domain import profile
from core.domain.canonical import canonical_json, sha256
from core.domain.model import GOLDEN, ONNX, PROFILE
from core.inference.golden import Golden
from core.inference.predictor import load_predictor
from edge.agent import slots
from edge.agent.config import DEVICE, Device
from edge.agent.state import STATE, State, change
from edge.release import MODEL_JSON, SIGNATURE, FileFact, ReleaseManifest, Requirements, Variant, release_id
from tests.penguins import MODEL, Version

LOGGED = ("island", "bill_length", "flipper_length", "heavy")


@cache
def profile_of(number: int) -> bytes:
    """What a version of `number` learned from: the rows of its golden answers, several times over."""
    from tests import penguins  # noqa: PLC0415 - made once a session

    version = penguins.classifier(number)
    golden = Golden.decode(version.files[GOLDEN])
    columns = {name: np.tile(values, 50) for name, values in golden.columns.items()}
    outputs = load_predictor(version.files[ONNX], version.manifest).predict(columns)
    return profile.build(version.manifest.schema, columns, outputs, version.manifest.classes).encode()


def release(version: Version, sequence: int, profiled: bytes, logged: tuple[str, ...] = LOGGED) -> dict[str, bytes]:
    """The files of a release as they lie in a slot: its signature was verified before they came there."""
    files = {**version.files, PROFILE: profiled}
    hashes = {name: sha256(data) for name, data in files.items()}
    fields = {**version.manifest.to_json(), "files": hashes}
    files[MODEL_JSON] = canonical_json(fields)
    manifest = ReleaseManifest(
        model=version.manifest.model,
        version=version.version,
        sequence=sequence,
        created="2026-11-24T12:00:00+00:00",
        variant=Variant("full", {}, {}),
        schema=version.manifest.schema,
        classes=version.manifest.classes,
        files={name: FileFact.of(data) for name, data in files.items()},
        requires=Requirements(1.0, {"ai.onnx": 17}, (), ">=1.16"),
        lineage={},
        privacy={"sensitive": list(version.manifest.schema.sensitive), "logged": list(logged)},
    )
    return {**files, layout.MANIFEST: manifest.encode(), SIGNATURE: b"{}"}


class Bench:
    """A device in a folder."""

    def __init__(self, root: Path, **settings: Any) -> None:
        self.root = root
        self.device = Device.of({"device": "pi-1", "group": "field", "model": MODEL, "port": 0, **settings})
        (root / DEVICE).write_bytes(self.device.encode())
        self.sequence = 0

    def install(self, version: Version, profiled: bytes | None = None, **changes: Any) -> str:
        """Put a release into the idle slot and swap; its id."""
        self.sequence += 1
        files = release(version, self.sequence, profiled or profile_of(1), **changes)
        name = release_id(self.sequence, files[layout.MANIFEST])
        self.place(files, name)
        return name

    def place(self, files: dict[str, bytes], name: str) -> None:
        """Put files into the idle slot, called `name`, and swap."""
        slot = State.read(self.root).idle
        folder = slots.folder(self.root, slot)
        folder.mkdir(parents=True, exist_ok=True)
        for path in folder.iterdir():
            path.unlink()
        for file, data in files.items():
            (folder / file).write_bytes(data)
        change(self.root, lambda state: state.emptied(slot).swapped(name, self.sequence, keep=True).kept())

    @property
    def state(self) -> Path:
        return self.root / STATE
