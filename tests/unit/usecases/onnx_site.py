"""A store on disk with a real model that serves, for batch runs in processes of their own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pyarrow as pa
import pyarrow.parquet as pq
from onnx import TensorProto, helper, numpy_helper

from core import layout
from core.adapters.store_local import LocalStore
from core.domain.canonical import canonical_json, sha256
from core.domain.model import ONNX, ModelManifest
from core.domain.route import Route
from tests.unit.usecases.site import CLASSES, SPEC


def publish(root: Path, version: str = "v1", *, serves: bool = True) -> None:
    """A version of model m in the store at `root`."""
    models = LocalStore(root / "models")
    data = model()
    schema = replace(SPEC.columns, undeclared="drop")
    manifest = ModelManifest("m", version, schema, CLASSES, {}, {ONNX: sha256(data)}, 5_000, 5_000)
    models.create(layout.model_file("m", version, ONNX), data)
    models.create(layout.model_manifest("m", version), canonical_json(manifest.to_json()))
    if serves:
        models.put(layout.route("m"), Route("m", version).encode())


def model() -> bytes:
    """Answers "yes" by the logistic function of x, 0 where there is none."""
    zero, half, one = (
        numpy_helper.from_array(np.float32(value), name) for value, name in zip((0, 0.5, 1), "zho", strict=True)
    )
    words = [numpy_helper.from_array(np.array(word, dtype=object), word) for word in ("yes", "no")]
    nodes = [
        helper.make_node("IsNaN", ["x"], ["missing"]),
        helper.make_node("Where", ["missing", "z", "x"], ["known"]),
        helper.make_node("Sigmoid", ["known"], ["p"]),
        helper.make_node("Sub", ["o", "p"], ["q"]),
        helper.make_node("Concat", ["q", "p"], ["probabilities"], axis=1),
        helper.make_node("Greater", ["p", "h"], ["is_yes"]),
        helper.make_node("Where", ["is_yes", "yes", "no"], ["labels"]),
        helper.make_node("Squeeze", ["labels"], ["label"]),
    ]
    types = {"x": TensorProto.FLOAT, "c": TensorProto.STRING, "b": TensorProto.FLOAT}
    inputs = [helper.make_tensor_value_info(name, kind, [None, 1]) for name, kind in types.items()]
    outputs = [
        helper.make_tensor_value_info("label", TensorProto.STRING, [None]),
        helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [None, 2]),
    ]
    graph = helper.make_graph(nodes, "m", inputs, outputs, [zero, half, one, *words])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(made)
    return made.SerializeToString()


def table(rows: int, start: int = 0, bad: int = 0) -> pa.Table:
    """Rows to score, one a second from the start of 2026; each `bad`-th, if any, has an x that is out of range."""
    rng = np.random.default_rng(start)
    x = rng.normal(size=rows)
    if bad:
        x[bad - 1 :: bad] = 999
    places = np.arange(start, start + rows)
    return pa.table(
        {
            "id": pa.array([f"r{place}" for place in places]),
            "at": pa.array(places + 1_767_225_600).cast(pa.timestamp("s", "UTC")),
            "x": pa.array(x),
            "c": pa.array(np.array(["red", "green"], dtype=object)[places % 2]),
            "b": pa.array(places % 3 == 0),
            "region": pa.array(np.array(["north", "south", "east"], dtype=object)[places % 3]),
            "unused": pa.array(places),
        }
    )


def write(path: Path, rows: int, group: int, bad: int = 0) -> None:
    """A Parquet file of `table` with row groups of `group` rows."""
    pq.write_table(table(rows, bad=bad), path, row_group_size=group)
