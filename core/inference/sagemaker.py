"""SageMaker hosting: the bodies that `POST /invocations` takes and gives, JSON and CSV.

Source: https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html
JSON is one row, a list of rows, or TensorFlow Serving's body. CSV has the features in their order or, with a first line
of names, in any; the parameter `header=present|absent` (RFC 4180) decides where names could be values. The answer is
JSON in row format or, where the Accept header asks for it, CSV: a line a row, and a first line of names where that asks
for `header=present`.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from http import HTTPStatus
from typing import Any

import msgspec

from ..domain.prediction import LABEL, PREDICTION, PREDICTION_ID, probability_column
from ..domain.schema import FeatureType, Schema
from ..errors import BadInput
from ..usecases.score_one import Answer
from . import tfserving
from .answers import PROBABILITIES, columnar
from .http import JSON, Response, decode_json
from .rows import RowReader, Rows

CSV = "text/csv"
_ANSWERED = (CSV, "text/*", JSON, "application/*", "*/*")

_DECODER = msgspec.json.Decoder(list[Any] | dict[str, Any])
_SAYS_HEADER = re.compile(r';\s*header\s*=\s*"?(present|absent)\b', re.IGNORECASE)
_BOOLEANS = {"true": True, "false": False, "1": True, "0": False}


def rows_of_json(body: bytes, reader: RowReader) -> Rows:
    """The rows of a JSON body; raises BadInput."""
    value = decode_json(body, _DECODER)
    if isinstance(value, list):
        return reader.rows(value)
    if "instances" in value or "inputs" in value:
        return tfserving.rows_of(tfserving.decode(body), reader)
    return reader.rows([value])


def rows_of_csv(body: bytes, content_type: str, reader: RowReader) -> Rows:
    """The rows of a CSV body; an empty field is null. Raises BadInput."""
    try:
        lines = list(csv.reader(io.StringIO(body.decode("utf-8-sig"), newline=""), strict=True))
    except UnicodeDecodeError as error:
        raise BadInput(f"the body is not UTF-8 at byte {error.start}.") from error
    except csv.Error as error:
        raise BadInput(f"the body is not CSV: {error}.") from error
    lines = [line for line in lines if line]
    names, lines = _header(lines, content_type, reader.schema)
    for row, line in enumerate(lines):
        if len(line) != len(names):
            raise BadInput(f"row {row} has {len(line)} fields, and {len(names)} are expected: {', '.join(names)}.")
    types: dict[str, FeatureType] = {feature.name: feature.type for feature in reader.schema.features}
    return reader.columns(
        {name: [_value(line[at], types.get(name)) for line in lines] for at, name in enumerate(names)}
    )


def encode(answer: Answer, accept: str) -> dict[str, Any] | Response:
    """The answer as the Accept header asks for it: CSV if that is wanted before JSON, else JSON."""
    wanted = next((part for part in accept.lower().split(",") if part.partition(";")[0].strip() in _ANSWERED), "")
    if not wanted.strip().startswith("text/"):
        return tfserving.row_answer(answer.answers, answer.prediction_ids)
    said = _SAYS_HEADER.search(wanted)
    header = "present" if said and said[1] == "present" else "absent"
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerows(_lines(answer, with_names=header == "present"))
    return Response(
        HTTPStatus.OK, {"content-type": f"{CSV}; charset=utf-8; header={header}"}, stream.getvalue().encode()
    )


def _lines(answer: Answer, *, with_names: bool) -> Iterator[Sequence[object]]:
    """The label and the probability of each class, or the prediction; the prediction id comes last."""
    columns, classes = columnar(answer.outputs), answer.manifest.classes
    if with_names:
        yield (*((LABEL, *map(probability_column, classes)) if classes else (PREDICTION,)), PREDICTION_ID)
    ids = answer.prediction_ids
    if not classes:
        yield from zip(columns[PREDICTION], ids, strict=True)
        return
    for label, probabilities, each in zip(columns[LABEL], columns[PROBABILITIES], ids, strict=True):
        yield (label, *probabilities, each)


def _header(lines: list[list[str]], content_type: str, schema: Schema) -> tuple[list[str], list[list[str]]]:
    """The names of the columns, and the lines without them."""
    known = {*schema.feature_names, *schema.sensitive, *schema.drop, schema.id, schema.time, schema.target}
    said = _SAYS_HEADER.search(content_type)
    present = said[1].lower() == "present" if said else bool(lines) and all(field in known for field in lines[0])
    if not present:
        return list(schema.feature_names), lines
    names = lines[0] if lines else []
    twice = next((name for at, name in enumerate(names) if name in names[:at]), None)
    if twice is not None:
        raise BadInput(f"column {twice[:80]!r} is given twice.")
    return names, lines[1:]


def _value(text: str, kind: FeatureType | None) -> Any:  # noqa: ANN401 - a JSON value
    """A field as the JSON value that it stands for; text that stands for none is left, and refused by its type."""
    if not text:
        return None
    if kind == "boolean":
        return _BOOLEANS.get(text.strip().lower(), text)
    if kind in {"number", "integer"}:
        return _number(text)
    return text


def _number(text: str) -> float | str:
    try:
        return text if "_" in text else float(text)
    except ValueError:
        return text
