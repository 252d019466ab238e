"""TensorFlow Serving's REST API: predict in row and column format, status and metadata.

Source: https://www.tensorflow.org/tfx/serving/api_rest
Beside what that defines, an answer has `prediction_ids`, one a row, and a status `name` and `ready`, which are KServe's
of its V1 protocol.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import msgspec

from ..domain.model import ModelManifest
from ..domain.prediction import LABEL, PREDICTION
from ..domain.schema import FeatureType
from ..errors import BadInput
from ..usecases.score_one import Answer
from .answers import PROBABILITIES, Answers, columnar
from .http import decode_json
from .rows import RowReader, Rows

PREDICTION_IDS = "prediction_ids"
SIGNATURE = "serving_default"
PREDICT_METHOD = "tensorflow/serving/predict"
DTYPES: dict[FeatureType, str] = {
    "number": "DT_DOUBLE",
    "integer": "DT_INT64",
    "boolean": "DT_BOOL",
    "category": "DT_STRING",
}


class PredictRequest(msgspec.Struct, frozen=True):
    """The body of a predict request: `instances` (one object a row) or `inputs` (one list a feature).

    Where a model has one feature, its bare values may stand for both. Vertex AI's `parameters` are accepted.
    """

    instances: list[Any] | None = None
    inputs: dict[str, Any] | list[Any] | None = None
    signature_name: str = SIGNATURE
    parameters: Any = None


_BASE64 = b'"b64"'
_DECODER = msgspec.json.Decoder(PredictRequest)


def decode(body: bytes) -> PredictRequest:
    """Read a request's body; raises BadInput."""
    request = decode_json(body, _DECODER)
    if request.signature_name not in {SIGNATURE, ""}:
        raise BadInput(f"signature_name {request.signature_name[:80]!r} is unknown: there is {SIGNATURE!r} alone.")
    return _without_base64(request) if _BASE64 in body else request


def rows_of(request: PredictRequest, reader: RowReader) -> Rows:
    """The rows of the request; raises BadInput."""
    rows, columns = request.instances, request.inputs
    if (rows is None) == (columns is None):
        raise BadInput(
            'the body must hold either "instances", one object a row, or "inputs", one list of values a feature.'
        )
    if rows is not None:
        return reader.rows(_named(rows, reader) if _are_bare(rows) else rows)
    if isinstance(columns, list):
        columns = {_only_feature(reader): columns}
    return reader.columns({name: _column(name, values) for name, values in (columns or {}).items()})


def encode(answer: Answer, request: PredictRequest) -> dict[str, Any]:
    """The body of the answer, in the format of the request.

    Rows: `{"label", "probabilities": {class: p}}` or `{"prediction"}`. Columns: one list an output and, as TensorFlow
    Serving does it, no name where there is one output alone.
    """
    if request.instances is not None:
        return row_answer(answer.answers, answer.prediction_ids)
    outputs = columnar(answer.outputs)
    return {"outputs": outputs.get(PREDICTION, outputs), PREDICTION_IDS: answer.prediction_ids}


def row_answer(answers: Answers, prediction_ids: list[str]) -> dict[str, Any]:
    """The body of an answer in row format."""
    return {"predictions": answers, PREDICTION_IDS: prediction_ids}


def status(model: str, versions: Sequence[str]) -> dict[str, Any]:
    """The body of a model status answer: the versions that are loaded."""
    status = {"error_code": "OK", "error_message": ""}
    return {
        "model_version_status": [{"version": each, "state": "AVAILABLE", "status": status} for each in versions],
        "name": model,
        "ready": True,
    }


def metadata(manifest: ModelManifest) -> dict[str, Any]:
    """The body of a model metadata answer: one signature, with the columns of the column format."""
    signature = {
        "inputs": {each.name: _tensor(each.name, DTYPES[each.type]) for each in manifest.schema.features},
        "outputs": _outputs(len(manifest.classes)),
        "method_name": PREDICT_METHOD,
    }
    return {
        "model_spec": {"name": manifest.model, "signature_name": "", "version": manifest.version},
        "metadata": {"signature_def": {"signature_def": {SIGNATURE: signature}}},
    }


def _outputs(classes: int) -> dict[str, Any]:
    if not classes:
        return {PREDICTION: _tensor(PREDICTION, "DT_FLOAT")}
    return {LABEL: _tensor(LABEL, "DT_STRING"), PROBABILITIES: _tensor(PROBABILITIES, "DT_FLOAT", classes)}


def _tensor(name: str, dtype: str, *more: int) -> dict[str, Any]:
    """A TensorInfo of shape [-1, *more]; protobuf's JSON writes 64-bit integers as strings."""
    dimensions = [{"size": str(size), "name": ""} for size in (-1, *more)]
    return {"dtype": dtype, "tensor_shape": {"dim": dimensions, "unknown_rank": False}, "name": name}


def _are_bare(rows: list[Any]) -> bool:
    return bool(rows) and not isinstance(rows[0], dict)


def _named(rows: list[Any], reader: RowReader) -> list[Any]:
    """Bare values as rows, where the model has one feature; else the rows as they are, to be refused."""
    names = reader.schema.feature_names
    return rows if len(names) > 1 else [{names[0]: value} for value in _column(names[0], rows)]


def _only_feature(reader: RowReader) -> str:
    names = reader.schema.feature_names
    if len(names) > 1:
        raise BadInput(f'"inputs" must be an object with a list of values a feature: {", ".join(names)}.')
    return names[0]


def _without_base64(request: PredictRequest) -> PredictRequest:
    try:
        instances, inputs = _decoded(request.instances), _decoded(request.inputs)
    except RecursionError as error:
        raise BadInput("the body is nested too deeply.") from error
    return msgspec.structs.replace(request, instances=instances, inputs=inputs)


def _decoded(value: Any) -> Any:  # noqa: ANN401 - a JSON value
    """Replace each `{"b64": …}` by the text that it stands for; raises BadInput."""
    match value:
        case {"b64": str(text), **rest} if not rest:
            return _text(text)
        case dict():
            return {name: _decoded(each) for name, each in value.items()}
        case list():
            return [_decoded(each) for each in value]
        case _:
            return value


def _text(encoded: str) -> str:
    try:
        return base64.b64decode(encoded, validate=True).decode()
    except UnicodeDecodeError as error:
        raise BadInput(f'"b64" must hold UTF-8, and {encoded[:40]!r} is none at byte {error.start}.') from error
    except ValueError as error:
        raise BadInput(f'"b64" must hold base64, and {encoded[:40]!r} is none.') from error


def _column(name: str, values: object) -> list[Any]:
    """Values of shape [n] or [n][1]."""
    if not isinstance(values, list):
        raise BadInput(f"field {name[:80]!r} must be a list with a value a row.")
    return [value[0] if isinstance(value, list) and len(value) == 1 else value for value in values]
