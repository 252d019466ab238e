"""Open Inference Protocol V2, REST with JSON tensors: one input tensor a feature.

Source: https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_rest.md
Each answer has, beside the model's outputs, the tensor `prediction_id` (BYTES [n]).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import msgspec

from ..domain.model import ModelManifest
from ..domain.prediction import LABEL, PREDICTION, PREDICTION_ID
from ..domain.schema import FeatureType, Schema
from ..errors import BadInput
from ..usecases.score_one import Answer
from .answers import PROBABILITIES, columnar
from .http import decode_json
from .rows import RowReader, Rows

PLATFORM = "onnxruntime_onnx"

FLOATS = frozenset({"FP64", "FP32", "FP16", "BF16"})
INTEGERS = frozenset({"INT64", "INT32", "INT16", "INT8", "UINT64", "UINT32", "UINT16", "UINT8"})
DECLARED: dict[FeatureType, str] = {"number": "FP64", "integer": "INT64", "boolean": "BOOL", "category": "BYTES"}
READ: dict[FeatureType, frozenset[str]] = {
    "number": FLOATS | INTEGERS,
    "integer": FLOATS | INTEGERS,
    "boolean": frozenset({"BOOL"}),
    "category": frozenset({"BYTES"}),
}
OUTPUT_DATATYPES = {LABEL: "BYTES", PROBABILITIES: "FP32", PREDICTION: "FP32", PREDICTION_ID: "BYTES"}


class Tensor(msgspec.Struct, frozen=True):
    """An input tensor; `data` may be flat or nested, in row-major order."""

    name: str
    shape: tuple[int, ...]
    datatype: str
    data: list[Any]
    parameters: dict[str, Any] = {}


class WantedOutput(msgspec.Struct, frozen=True):
    """An output that the request asks for."""

    name: str
    parameters: dict[str, Any] = {}


class InferRequest(msgspec.Struct, frozen=True):
    """The body of an inference request."""

    inputs: list[Tensor]
    id: str | None = None
    parameters: dict[str, Any] = {}
    outputs: list[WantedOutput] = []


_DECODER = msgspec.json.Decoder(InferRequest)


def decode(body: bytes) -> InferRequest:
    """Read a request's body; raises BadInput."""
    return decode_json(body, _DECODER)


def rows_of(request: InferRequest, reader: RowReader) -> Rows:
    """The rows of the input tensors; raises BadInput naming the tensor, or an output that the model has not."""
    _check_outputs(request, reader.schema)
    types = {feature.name: feature.type for feature in reader.schema.features}
    columns: dict[str, list[Any]] = {}
    for tensor in request.inputs:
        if tensor.name in columns:
            raise BadInput(f"input {tensor.name[:80]!r} is given twice.")
        columns[tensor.name] = _values(tensor, types.get(tensor.name))
    return reader.columns(columns)


def encode(answer: Answer, request: InferRequest) -> dict[str, Any]:
    """The body of the answer: the outputs that the request wants, or all, and always the prediction ids."""
    manifest, n = answer.manifest, len(answer.prediction_ids)
    wanted = {output.name for output in request.outputs}
    outputs = {name: data for name, data in columnar(answer.outputs).items() if name in wanted or not wanted}
    body: dict[str, Any] = {"model_name": manifest.model, "model_version": manifest.version}
    if request.id is not None:
        body["id"] = request.id
    outputs[PREDICTION_ID] = answer.prediction_ids
    body["outputs"] = [_output(name, data, n, manifest) for name, data in outputs.items()]
    return body


def metadata(manifest: ModelManifest, versions: Sequence[str]) -> dict[str, Any]:
    """What a model takes and gives."""
    inputs = [
        {"name": feature.name, "datatype": DECLARED[feature.type], "shape": [-1, 1]}
        for feature in manifest.schema.features
    ]
    outputs: list[dict[str, Any]] = [
        {"name": name, "datatype": OUTPUT_DATATYPES[name], "shape": [-1]}
        for name in (*output_names(manifest.schema), PREDICTION_ID)
    ]
    if manifest.classes:
        outputs[1] |= {"shape": [-1, len(manifest.classes)], "parameters": {"classes": manifest.classes}}
    return {
        "name": manifest.model,
        "versions": list(versions),
        "platform": PLATFORM,
        "inputs": inputs,
        "outputs": outputs,
    }


def output_names(schema: Schema) -> tuple[str, ...]:
    """The model's own outputs, in order."""
    return (PREDICTION,) if schema.task == "regression" else (LABEL, PROBABILITIES)


def _check_outputs(request: InferRequest, schema: Schema) -> None:
    known = (*output_names(schema), PREDICTION_ID)
    for output in request.outputs:
        if output.name not in known:
            raise BadInput(f"output {output.name[:80]!r} is unknown: the outputs are {', '.join(known)}.")


def _output(name: str, data: list[Any], n: int, manifest: ModelManifest) -> dict[str, Any]:
    if name == PROBABILITIES:
        flat = [value for row in data for value in row]
        return {"name": name, "datatype": "FP32", "shape": [n, len(manifest.classes)], "data": flat}
    return {"name": name, "datatype": OUTPUT_DATATYPES[name], "shape": [n], "data": data}


def _values(tensor: Tensor, kind: FeatureType | None) -> list[Any]:
    """The n values of a tensor of shape [n] or [n, 1]; `kind` is None for a column that is no feature."""
    name, shape = tensor.name[:80], tensor.shape
    if not (len(shape) == 1 or (len(shape) == 2 and shape[1] == 1)) or shape[0] < 0:  # noqa: PLR2004
        raise BadInput(f"input {name!r} has shape {list(shape)[:8]}: it must be [n] or [n,1].")
    if kind is not None and tensor.datatype not in READ[kind]:
        raise BadInput(
            f"input {name!r} has datatype {tensor.datatype[:40]!r}: a feature of type {kind} takes "
            f"{', '.join(sorted(READ[kind]))}."
        )
    data = _flat(tensor.data)
    if len(data) != math.prod(shape):
        raise BadInput(f"input {name!r} has {len(data)} values, and its shape says {math.prod(shape)}.")
    if tensor.datatype in INTEGERS:
        _check_integers(name, data)
    return data


def _flat(data: list[Any]) -> list[Any]:
    if data and isinstance(data[0], list):
        return [value for row in data for value in (row if isinstance(row, list) else [row])]
    return data


def _check_integers(name: str, data: list[Any]) -> None:
    for row, value in enumerate(data):
        if isinstance(value, float):
            raise BadInput(f"field {name!r} of row {row} is {value!r}, and its tensor's datatype is an integer.")
