"""A quarter of the bytes for weights, and integer arithmetic: onnxruntime's dynamic quantization.

It is for matrix products, which linear models and networks are made of. What is in float64 is made float32 first.
https://onnxruntime.ai/docs/performance/model-optimizations/quantization.html
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnx
from onnx import TensorProto, numpy_helper

from core.errors import Refused

from .graphs import load, nodes, save

PRODUCTS = ("MatMul", "Gemm")


def int8(data: bytes) -> Iterator[bytes]:
    """The model with its matrix products in int8; raises Refused if it has none."""
    model = load(data)
    constants = {tensor.name for tensor in model.graph.initializer}
    if not any(node.op_type in PRODUCTS and constants.intersection(node.input) for node in nodes(model.graph)):
        raise Refused("it has no matrix product with weights, which alone gain by int8.")
    _to_float32(model)
    yield _quantized(model)


def _to_float32(model: onnx.ModelProto) -> None:
    for tensor in model.graph.initializer:
        if tensor.data_type == TensorProto.DOUBLE:
            tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float32), tensor.name))
    for node in nodes(model.graph):
        for attribute in node.attribute:
            if node.op_type == "Cast" and attribute.name == "to" and attribute.i == TensorProto.DOUBLE:
                attribute.i = TensorProto.FLOAT


def _quantized(model: onnx.ModelProto) -> bytes:
    from onnxruntime.quantization import QuantType, quantize_dynamic  # noqa: PLC0415 - slow to import

    quiet = logging.getLogger()
    before = quiet.level
    quiet.setLevel(logging.ERROR)  # it recommends a step on the root logger that these graphs do not need
    try:
        with TemporaryDirectory(prefix="tidemill-") as folder:
            quantized = Path(folder) / "int8.onnx"
            quantize_dynamic(
                model,
                quantized,
                list(PRODUCTS),
                per_channel=True,
                reduce_range=True,  # 7 bits: sums do not overflow on processors without VNNI, so that all answer alike
                weight_type=QuantType.QInt8,
                extra_options={"MatMulConstBOnly": True},
            )
            return save(load(quantized.read_bytes()))
    finally:
        quiet.setLevel(before)
