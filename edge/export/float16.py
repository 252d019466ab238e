"""Half of the bytes for weights: they are stored as float16 and made float32 again where they are used.

Only what is stored changes: no processor that devices of this kind have computes in float16 faster than in float32,
and onnxruntime's kernels for it are few. Linear models and networks gain; trees keep their figures in attributes,
which ONNX has no float16 for.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import onnx
from onnx import helper, numpy_helper

from core.errors import Refused

from .graphs import FLOATS, load, save

FEWEST = 64
"""Elements of a tensor that are worth a node."""


def float16(data: bytes) -> Iterator[bytes]:
    """The model with its weights in float16; raises Refused if it has none that gain."""
    model = load(data)
    graph = model.graph
    gaining = (tensor for tensor in graph.initializer if tensor.data_type in FLOATS)
    casts = [_halve(tensor) for tensor in gaining if math.prod(tensor.dims) >= FEWEST]
    if not casts:
        raise Refused(f"it has no tensor of {FEWEST} weights or more, which alone gain by float16.")
    body = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(body)
    yield save(model)


def _halve(tensor: onnx.TensorProto) -> onnx.NodeProto:
    """Change the tensor, and return the node that makes what it was of it."""
    wanted, stored = tensor.name, f"{tensor.name}_float16"
    largest = np.finfo(np.float16).max
    halves = np.clip(numpy_helper.to_array(tensor), -largest, largest).astype(np.float16)
    kind = tensor.data_type
    tensor.CopyFrom(numpy_helper.from_array(halves, stored))
    return helper.make_node("Cast", [stored], [wanted], to=kind)
