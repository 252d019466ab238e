"""A fitted pipeline as an ONNX graph with the preprocessing inside, in the form that `core.inference.predictor` loads.

skl2onnx makes the body. Inputs get the features' names, whatever characters they hold: skl2onnx itself replaces those
that are no part of an identifier. What stands behind the body is in `onnx_head`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import onnx
from onnx import TensorProto, helper
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from skl2onnx.common.exceptions import MissingConverter, MissingShapeCalculator
from sklearn.pipeline import Pipeline

from ..domain.schema import Schema
from ..errors import BadSpec
from ..inference.predictor import LABEL_OUTPUT, PREDICTION_OUTPUT, PROBABILITIES_OUTPUT
from .exact import final_estimator
from .onnx_head import classifier_head, regressor_head

OPSETS = {"": 17, "ai.onnx.ml": 3}
"""Fixed, so that the same model has the same bytes under a newer onnx, and loads under older runtimes (1.12 on)."""


_REFUSALS = (
    AttributeError,
    IndexError,
    KeyError,
    MissingConverter,
    MissingShapeCalculator,
    NameError,
    RuntimeError,
    TypeError,
    ValueError,
)
"""What skl2onnx raises for an estimator that it cannot convert: some foreseen, some stumbled over."""


def to_onnx(pipeline: Pipeline, schema: Schema, classes: Sequence[str]) -> bytes:
    """The model's bytes, the same for the same pipeline; raises BadSpec if it cannot be expressed in ONNX.

    Inputs: one a feature, named as it, [n, 1], float or string. Outputs: `label` [n] string and `probabilities` [n, k]
    float in the order of `classes`, or `prediction` [n, 1] float.
    """
    _check_names(schema)
    converted = _convert(pipeline, schema, classes)
    prefix = _free_prefix(schema.feature_names)
    graph = converted.graph
    inputs = dict(zip((value.name for value in graph.input), schema.feature_names, strict=True))
    answer = f"{prefix}{graph.output[1 if classes else 0].name}"
    _rename(graph, inputs, prefix)
    head = classifier_head(graph.node, answer, prefix, classes, pipeline) if classes else regressor_head(answer)
    body = _needed([*graph.node, *head.nodes], {output.name for output in _outputs(classes)})
    used = {name for node in body for name in _reads(node)}
    initializers = [tensor for tensor in (*graph.initializer, *head.constants) if tensor.name in used]
    made = helper.make_graph(body, schema.model, _inputs(schema), _outputs(classes), initializers)
    opsets = [helper.make_opsetid(domain, version) for domain, version in OPSETS.items()]
    model = helper.make_model(made, opset_imports=opsets, ir_version=converted.ir_version, producer_name="tidemill")
    return bytes(model.SerializeToString(deterministic=True))


def _check_names(schema: Schema) -> None:
    taken = {LABEL_OUTPUT, PROBABILITIES_OUTPUT, PREDICTION_OUTPUT} & set(schema.feature_names)
    if taken:
        raise BadSpec(f"feature {min(taken)!r} has the name of a model's output; rename the column.")


def _convert(pipeline: Pipeline, schema: Schema, classes: Sequence[str]) -> onnx.ModelProto:
    types = [
        (f"input_{place}", (StringTensorType if feature.type == "category" else FloatTensorType)([None, 1]))
        for place, feature in enumerate(schema.features)
    ]
    options = {id(pipeline): {"zipmap": False}} if classes else None
    try:
        converted: onnx.ModelProto = convert_sklearn(
            pipeline, schema.model, types, options=options, target_opset=OPSETS
        )
    except _REFUSALS as error:
        kind = type(final_estimator(pipeline)).__name__
        raise BadSpec(f"estimator {kind} cannot be exported to ONNX: {' '.join(str(error).split())[:300]}") from error
    return converted


def _free_prefix(names: Sequence[str]) -> str:
    """A start of names that no feature and no output has."""
    prefix = "_"
    while any(name.startswith(prefix) for name in names):
        prefix += "_"
    return prefix


def _rename(graph: onnx.GraphProto, inputs: dict[str, str], prefix: str) -> None:
    """Give inputs their features' names and everything else `prefix`, in subgraphs too."""

    def renamed(name: str) -> str:
        return inputs.get(name, f"{prefix}{name}") if name else name

    for tensor in graph.initializer:
        tensor.name = renamed(tensor.name)
    for node in graph.node:
        node.input[:] = map(renamed, node.input)
        node.output[:] = map(renamed, node.output)
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.GRAPH:
                for value in (*attribute.g.input, *attribute.g.output):
                    value.name = renamed(value.name)
                _rename(attribute.g, inputs, prefix)


def _inputs(schema: Schema) -> list[onnx.ValueInfoProto]:
    return [
        helper.make_tensor_value_info(
            feature.name, TensorProto.STRING if feature.type == "category" else TensorProto.FLOAT, [None, 1]
        )
        for feature in schema.features
    ]


def _outputs(classes: Sequence[str]) -> list[onnx.ValueInfoProto]:
    if not classes:
        return [helper.make_tensor_value_info(PREDICTION_OUTPUT, TensorProto.FLOAT, [None, 1])]
    return [
        helper.make_tensor_value_info(LABEL_OUTPUT, TensorProto.STRING, [None]),
        helper.make_tensor_value_info(PROBABILITIES_OUTPUT, TensorProto.FLOAT, [None, len(classes)]),
    ]


def _needed(nodes: Sequence[onnx.NodeProto], wanted: set[str]) -> list[onnx.NodeProto]:
    """The nodes that `wanted` depends on; skl2onnx's own label is left behind."""
    kept = []
    for node in reversed(nodes):
        if wanted.intersection(node.output):
            wanted.update(_reads(node))
            kept.append(node)
    return kept[::-1]


def _reads(node: onnx.NodeProto) -> Iterable[str]:
    yield from node.input
    for attribute in node.attribute:
        for inner in attribute.g.node:
            yield from _reads(inner)
