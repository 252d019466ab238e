"""Open Inference Protocol V2, REST: one input tensor a feature, as JSON or as bytes behind it (`tensors`).

Source: https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_rest.md
Each answer has, beside the model's outputs, the tensor `prediction_id` (BYTES [n]). Of the parameters, those of the
binary extension are heeded; any other is accepted, and changes nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Annotated, Any

import msgspec
import numpy as np

from ..domain.model import ModelManifest
from ..domain.prediction import LABEL, PREDICTION, PREDICTION_ID
from ..domain.schema import FeatureType, Schema
from ..errors import BadInput
from ..usecases.score_one import Answer
from . import tensors
from .answers import PROBABILITIES, columnar
from .http import Response, decode_json
from .rows import RowReader, Rows
from .tensors import DATATYPES, INTEGERS

PLATFORM = "onnxruntime_onnx"

EXTENSIONS = (tensors.EXTENSION,)
INT64_MAX = 2**63 - 1
NUMBERS = frozenset((*tensors.FLOATS, *INTEGERS))
DECLARED: dict[FeatureType, str] = {"number": "FP64", "integer": "INT64", "boolean": "BOOL", "category": "BYTES"}
READ: dict[FeatureType, frozenset[str]] = {
    "number": NUMBERS,
    "integer": NUMBERS,
    "boolean": frozenset({"BOOL"}),
    "category": frozenset({"BYTES"}),
}
LIMITS = {name: (int(np.iinfo(form).min), int(np.iinfo(form).max)) for name, form in INTEGERS.items()}
"""Datatype of integers -> the least and the greatest."""
OUTPUT_DATATYPES = {LABEL: "BYTES", PROBABILITIES: "FP32", PREDICTION: "FP32", PREDICTION_ID: "BYTES"}


class Tensor(msgspec.Struct, frozen=True):
    """An input tensor; `data` may be flat or nested, in row-major order, and is None where it comes as bytes."""

    name: str
    shape: tuple[Annotated[int, msgspec.Meta(ge=-INT64_MAX, le=INT64_MAX)], ...]
    datatype: str
    data: list[Any] | None = None
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
_NOTHING = memoryview(b"")


def decode(body: bytes, json_length: str | None = None) -> tuple[InferRequest, memoryview]:
    """Read a request's body: the JSON, and the bytes behind it; raises BadInput.

    `json_length` is what the header of the binary extension says, if it was sent.
    """
    if json_length is None:
        return decode_json(body, _DECODER), _NOTHING
    text, behind = tensors.split(body, json_length)
    return decode_json(text, _DECODER), behind


def rows_of(request: InferRequest, reader: RowReader, behind: memoryview = _NOTHING) -> Rows:
    """The rows of the input tensors; raises BadInput naming the tensor, or an output that the model has not."""
    _check_outputs(request, reader.schema)
    types = {feature.name: feature.type for feature in reader.schema.features}
    columns: dict[str, list[Any]] = {}
    at = 0
    for tensor in request.inputs:
        if tensor.name in columns:
            raise BadInput(f"input {tensor.name[:80]!r} is given twice.")
        _check(tensor, types.get(tensor.name))
        size = _binary_size(tensor)
        if size is None:
            columns[tensor.name] = _listed(tensor)
        else:
            columns[tensor.name] = _binary(tensor, behind[at : at + size])
            at += size
    if at != len(behind):
        raise BadInput(f"{len(behind)} bytes follow the JSON, and the inputs' binary_data_size add up to {at}.")
    return reader.columns(columns)


def encode(answer: Answer, request: InferRequest, more: Sequence[dict[str, Any]] = ()) -> dict[str, Any] | Response:
    """The answer: the outputs that the request wants, or all, always the prediction ids, and `more` outputs as JSON.

    A `Response` where an output is wanted as bytes.
    """
    manifest = answer.manifest
    body: dict[str, Any] = {"model_name": manifest.model, "model_version": manifest.version}
    if request.id is not None:
        body["id"] = request.id
    as_bytes = _as_bytes(request)
    behind: list[bytes] = []
    body["outputs"] = [
        *(_moved(output, behind) if output["name"] in as_bytes else output for output in _outputs(answer, request)),
        *more,
    ]
    return _with_bytes(body, behind) if as_bytes else body


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
    _check_flag(request.parameters, tensors.ALL_WANTED)
    for output in request.outputs:
        if output.name not in known:
            raise BadInput(f"output {output.name[:80]!r} is unknown: the outputs are {', '.join(known)}.")
        _check_flag(output.parameters, tensors.WANTED)


def _check_flag(parameters: Mapping[str, Any], name: str) -> None:
    if not isinstance(parameters.get(name, False), bool):
        raise BadInput(f"parameter {name} must be true or false.")


def _as_bytes(request: InferRequest) -> set[str]:
    """Which outputs go as bytes: what is said of one output comes before what is said of all."""
    every = request.parameters.get(tensors.ALL_WANTED, False)
    said = {output.name: output.parameters.get(tensors.WANTED, every) for output in request.outputs}
    names = {PREDICTION_ID, *said} if said else OUTPUT_DATATYPES
    return {name for name in names if said.get(name, every)}


def _outputs(answer: Answer, request: InferRequest) -> Iterator[dict[str, Any]]:
    n, wanted = len(answer.prediction_ids), {output.name for output in request.outputs}
    for name, data in columnar(answer.outputs).items():
        if not wanted or name in wanted:
            yield _output(name, data, n, answer.manifest)
    yield _output(PREDICTION_ID, answer.prediction_ids, n, answer.manifest)


def _output(name: str, data: list[Any], n: int, manifest: ModelManifest) -> dict[str, Any]:
    if name == PROBABILITIES:
        flat = [value for row in data for value in row]
        return {"name": name, "datatype": "FP32", "shape": [n, len(manifest.classes)], "data": flat}
    return {"name": name, "datatype": OUTPUT_DATATYPES[name], "shape": [n], "data": data}


def _moved(output: dict[str, Any], behind: list[bytes]) -> dict[str, Any]:
    """The output with its data behind the JSON."""
    behind.append(tensors.write(output["datatype"], output.pop("data")))
    return {**output, "parameters": {tensors.SIZE: len(behind[-1])}}


def _with_bytes(body: dict[str, Any], behind: list[bytes]) -> Response:
    text = msgspec.json.encode(body)
    headers = {"content-type": tensors.MEDIA_TYPE, tensors.HEADER: str(len(text))}
    return Response(HTTPStatus.OK, headers, b"".join((text, *behind)))


def _check(tensor: Tensor, kind: FeatureType | None) -> None:
    """Raises BadInput for a shape or a datatype that cannot be; `kind` is None for a column that is no feature."""
    name, shape = tensor.name[:80], tensor.shape
    if not (len(shape) == 1 or (len(shape) == 2 and shape[1] == 1)) or shape[0] < 0:  # noqa: PLR2004
        raise BadInput(f"input {name!r} has shape {list(shape)[:8]}: it must be [n] or [n,1].")
    if kind is not None and tensor.datatype not in READ[kind]:
        raise BadInput(
            f"input {name!r} has datatype {tensor.datatype[:40]!r}: a feature of type {kind} takes "
            f"{', '.join(sorted(READ[kind]))}."
        )
    if tensor.datatype not in DATATYPES:
        raise BadInput(
            f"input {name!r} has datatype {tensor.datatype[:40]!r}: it must be one of {', '.join(DATATYPES)}."
        )


def _binary_size(tensor: Tensor) -> int | None:
    """How many bytes a tensor has behind the JSON, or None if its data is in the JSON."""
    name, size = tensor.name[:80], tensor.parameters.get(tensors.SIZE)
    if size is None:
        return None
    if type(size) is not int or not 0 <= size <= INT64_MAX:
        raise BadInput(f"input {name!r}: binary_data_size must be a whole number of bytes.")
    if tensor.data is not None:
        raise BadInput(f"input {name!r} has data in the JSON and binary_data_size: leave one out.")
    return size


def _binary(tensor: Tensor, raw: memoryview) -> list[Any]:
    values = tensors.read(tensor.name[:80], tensor.datatype, math.prod(tensor.shape), raw)
    _check_count(tensor, values)
    return values


def _listed(tensor: Tensor) -> list[Any]:
    """The n values of a tensor of shape [n] or [n, 1] whose data is in the JSON."""
    if tensor.data is None:
        raise BadInput(f"input {tensor.name[:80]!r} has no data.")
    data = _flat(tensor.data)
    _check_count(tensor, data)
    if tensor.datatype in INTEGERS:
        _check_integers(tensor, data)
    return data


def _check_count(tensor: Tensor, values: list[Any]) -> None:
    count = math.prod(tensor.shape)
    if len(values) != count:
        raise BadInput(f"input {tensor.name[:80]!r} has {len(values)} values, and its shape says {count}.")


def _flat(data: list[Any]) -> list[Any]:
    if data and isinstance(data[0], list):
        return [value for row in data for value in (row if isinstance(row, list) else [row])]
    return data


def _check_integers(tensor: Tensor, data: list[Any]) -> None:
    low, high = LIMITS[tensor.datatype]
    for row, value in enumerate(data):
        if isinstance(value, float) and not value.is_integer():
            raise BadInput(
                f"field {tensor.name[:80]!r} of row {row} is {value!r}, and its tensor's datatype is an integer."
            )
        if isinstance(value, int | float) and not low <= value <= high:
            raise BadInput(f"field {tensor.name[:80]!r} of row {row} is beyond what {tensor.datatype} can hold.")
