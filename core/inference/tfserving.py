"""TensorFlow Serving's REST predict API, row and column format; Vertex AI sends the row format.

Sources: https://www.tensorflow.org/tfx/serving/api_rest and
https://cloud.google.com/vertex-ai/docs/predictions/custom-container-requirements
Beside what those define, an answer has `prediction_ids`, one a row.
"""

from __future__ import annotations

from typing import Any

import msgspec

from ..domain.prediction import PREDICTION
from ..errors import BadInput
from ..usecases.score_one import Answer
from .answers import columnar, plain
from .http import decode_json
from .rows import RowReader, Rows

PREDICTION_IDS = "prediction_ids"


class PredictRequest(msgspec.Struct, frozen=True):
    """The body of a predict request: `instances` (one object a row) or `inputs` (one list a feature).

    Vertex AI's `parameters` and TensorFlow's `signature_name` are accepted; there is one signature.
    """

    instances: list[Any] | None = None
    inputs: dict[str, Any] | None = None
    signature_name: str = "serving_default"
    parameters: Any = None


_DECODER = msgspec.json.Decoder(PredictRequest)


def decode(body: bytes) -> PredictRequest:
    """Read a request's body; raises BadInput."""
    return decode_json(body, _DECODER)


def rows_of(request: PredictRequest, reader: RowReader) -> Rows:
    """The rows of the request; raises BadInput."""
    match request:
        case PredictRequest(instances=list(rows), inputs=None):
            return reader.rows(rows)
        case PredictRequest(instances=None, inputs=dict(columns)):
            return reader.columns({name: _column(name, values) for name, values in columns.items()})
        case _:
            raise BadInput(
                'the body must hold either "instances", one object a row, or "inputs", one list of values a feature.'
            )


def encode(answer: Answer, request: PredictRequest) -> dict[str, Any]:
    """The body of the answer, in the format of the request.

    Rows: `{"label", "probabilities": {class: p}}` or `{"prediction"}`. Columns: one list an output and, as TensorFlow
    Serving does it, no name where there is one output alone.
    """
    if request.instances is not None:
        return row_answer(answer)
    outputs = columnar(answer.outputs)
    return {"outputs": outputs.get(PREDICTION, outputs), PREDICTION_IDS: answer.prediction_ids}


def row_answer(answer: Answer) -> dict[str, Any]:
    """The body of an answer in row format."""
    return {"predictions": plain(answer.outputs, answer.manifest.classes), PREDICTION_IDS: answer.prediction_ids}


def status(version: str) -> dict[str, Any]:
    """The body of a model status answer: a version that is loaded."""
    return {
        "model_version_status": [
            {"version": version, "state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}
        ]
    }


def _column(name: str, values: object) -> list[Any]:
    """Values of shape [n] or [n][1]."""
    if not isinstance(values, list):
        raise BadInput(f"field {name[:80]!r} must be a list with a value a row.")
    return [value[0] if isinstance(value, list) and len(value) == 1 else value for value in values]
