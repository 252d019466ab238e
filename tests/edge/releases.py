"""Small signed releases of a pump's model, and the zone that they are in, for tests of devices."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np
from onnx import TensorProto, helper

from core import layout
from core.domain import profile
from core.domain.canonical import canonical_json, sha256
from core.domain.columns import Outputs
from core.domain.model import ModelManifest
from core.domain.schema import Feature, Schema
from core.errors import NotFound
from core.inference.golden import Golden
from edge.agent.config import Device
from edge.agent.provision import provision
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
    release_id,
    sign_manifest,
)
from edge.rollout import Rollout, Stage
from edge.signing import SigningKey
from edge.trust import Trust

MODEL = "pumps"
SCHEMA = Schema(MODEL, "regression", "wear", (Feature("load", "number", nullable=True), Feature("age", "number")))
ROWS = {"load": np.linspace(0, 9, 10, dtype=np.float32), "age": np.arange(10, dtype=np.float32)}
PREPARED = {
    "variant": Variant("full", {"quality_loss": 0.01}, {}),
    "created": "2026-01-02T03:04:05+00:00",
    "lineage": {},
    "privacy": {"sensitive": [], "logged": ["load", "age"]},
}
ROOT_KEY, KEY, OTHER_KEY = (SigningKey.generate() for _ in range(3))


@cache
def onnx(weight: float, padding: int = 0, *, fragile: bool = False) -> bytes:
    """wear = weight x load + age; a fragile one fails for any load above 9, which no golden row has."""
    inputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, 1]) for name in ("load", "age")]
    output = helper.make_tensor_value_info("prediction", TensorProto.FLOAT, [None, 1])
    weights = [helper.make_tensor("w", TensorProto.FLOAT, [1], [weight])]
    nodes = [helper.make_node("Mul", ["load", "w"], ["m"]), helper.make_node("Add", ["m", "age"], ["prediction"])]
    if fragile:
        weights.append(helper.make_tensor("table", TensorProto.FLOAT, [10], [0.0] * 10))
        nodes[1] = helper.make_node("Add", ["m", "age"], ["sum"])
        nodes.append(helper.make_node("Cast", ["load"], ["index"], to=TensorProto.INT64))
        nodes.append(helper.make_node("Gather", ["table", "index"], ["nothing"]))
        nodes.append(helper.make_node("Add", ["sum", "nothing"], ["prediction"]))
    graph = helper.make_graph(nodes, "pumps", inputs, [output], weights, doc_string="x" * padding)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    return made.SerializeToString()


@cache
def answers(weight: float) -> Outputs:
    return Outputs(prediction=(np.float32(weight) * ROWS["load"] + ROWS["age"]).astype(np.float32))


@dataclass(frozen=True)
class Made:
    """A release: its id, and name -> bytes."""

    id: str
    files: dict[str, bytes]

    def write(self, folder: Path) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in self.files.items():
            (folder / name).write_bytes(data)
        return folder


def make(
    sequence: int,
    weight: float = 2.0,
    *,
    key: SigningKey = KEY,
    golden_weight: float | None = None,
    padding: int = 0,
    fragile: bool = False,
    model: str = MODEL,
    requires: Requirements | None = None,
) -> Made:
    """A release that answers with `weight`, and says that it answers with `golden_weight`."""
    expected = answers(weight if golden_weight is None else golden_weight)
    served = {
        MODEL_ONNX: onnx(weight, padding, fragile=fragile),
        GOLDEN: Golden(ROWS, expected).encode(),
        PROFILE: profile.build(SCHEMA, ROWS, expected, ()).encode(),
    }
    version = f"{sequence:016x}"
    hashes = {name: sha256(data) for name, data in served.items()}
    manifest = ModelManifest(MODEL, version, SCHEMA, (), {}, hashes, 10, 10)
    files = {**served, MODEL_JSON: canonical_json(manifest.to_json()), OPERATORS: b"ai.onnx;17;Add,Mul\n"}
    signed = ReleaseManifest(
        model=model,
        version=version,
        sequence=sequence,
        schema=SCHEMA,
        classes=(),
        files={name: FileFact.of(data) for name, data in files.items()},
        requires=requires or Requirements(1.0, {"ai.onnx": 17}, ("Add", "Mul"), ">=1.16"),
        **PREPARED,
    ).encode()
    return signed_again(signed, files, key)


def signed_again(manifest: bytes, files: dict[str, bytes], key: SigningKey = KEY) -> Made:
    """These files under this manifest, signed by `key`."""
    sequence = ReleaseManifest.decode(manifest).sequence
    signature = sign_manifest(manifest, key)
    return Made(release_id(sequence, manifest), {**files, layout.MANIFEST: manifest, SIGNATURE: signature})


def first_trust(*keys: SigningKey, revoked: Sequence[str] = ()) -> Trust:
    return Trust.issue(1, [ROOT_KEY.public], [key.public for key in keys or (KEY,)], revoked, [ROOT_KEY])


@dataclass
class Zone:
    """The edge zone, as an operator fills it and as a device reads it; counts requests and bytes."""

    objects: dict[str, bytes] = field(default_factory=dict)
    rollouts: int = 0
    trust: Trust = field(default_factory=first_trust)
    requests: int = 0
    sent: int = 0

    def stream(self, key: str, start: int, length: int) -> Iterator[bytes]:
        self.requests += 1
        if key not in self.objects:
            raise NotFound(f"the zone has no {key}.")
        data = self.objects[key][start : start + length]
        for at in range(0, len(data), 4096):
            self.sent += len(data[at : at + 4096])
            yield data[at : at + 4096]

    def add(self, made: Made) -> Made:
        self.objects |= {layout.edge_file(MODEL, made.id, name): data for name, data in made.files.items()}
        return made

    def roll_out(self, *stages: Stage, withdrawn: Sequence[str] = (), key: SigningKey = KEY) -> Rollout:
        self.rollouts += 1
        rollout = Rollout.issue(MODEL, self.rollouts, stages, withdrawn, key)
        self.objects[layout.edge_rollout(MODEL, self.rollouts)] = rollout.encode()
        return rollout

    def follow(self, *keys: SigningKey, revoked: Sequence[str] = ()) -> Trust:
        """The next trust document."""
        public = [key.public for key in keys]
        self.trust = Trust.issue(self.trust.number + 1, [ROOT_KEY.public], public, revoked, [ROOT_KEY])
        self.objects[layout.edge_trust(MODEL, self.trust.number)] = self.trust.data
        return self.trust

    def write(self, folder: Path) -> Path:
        """The zone as files."""
        for key, data in self.objects.items():
            path = folder / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        return folder


def new_device(root: Path, **settings: object) -> Device:
    """A device that trusts `first_trust`."""
    return provision(root, Device.of({"device": "pump-1", "model": MODEL, **settings}), first_trust().data)


class FakeClock:
    """Time that passes when someone sleeps."""

    def __init__(self, wall: float = 1_767_323_045.0) -> None:
        self.now = 1000.0
        self.offset = wall - self.now

    def monotonic(self) -> float:
        return self.now

    def wall(self) -> float:
        return self.now + self.offset

    def sleep(self, seconds: float) -> None:
        self.now += seconds
