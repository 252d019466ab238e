"""Reading and writing ONNX graphs, and what is asked of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import onnx

FLOATS = {onnx.TensorProto.FLOAT, onnx.TensorProto.DOUBLE}


def load(data: bytes) -> onnx.ModelProto:
    """The model of these bytes."""
    model: onnx.ModelProto = onnx.load_from_string(data)
    return model


def save(model: onnx.ModelProto) -> bytes:
    """The bytes of a model, the same for the same model."""
    return bytes(model.SerializeToString(deterministic=True))


def nodes(graph: onnx.GraphProto) -> Iterator[onnx.NodeProto]:
    """Every node, those of subgraphs too."""
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.GRAPH:
                yield from nodes(attribute.g)


def attributes(node: onnx.NodeProto) -> dict[str, Any]:
    """The attributes of a node by name, as plain values."""
    return {attribute.name: onnx.helper.get_attribute_value(attribute) for attribute in node.attribute}
