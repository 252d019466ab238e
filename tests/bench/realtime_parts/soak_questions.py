"""What the soak asks, in four protocols, and what each version answers to it, computed here from the stored models."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from core.adapters.store_local import LocalStore
from core.inference.predictor import load_predictor
from core.inference.rows import RowReader
from core.usecases.load_model import load_version

from .model import MODEL, SCHEMA, VERSIONS
from .model_names import CATEGORIES, INTEGERS

MOST_ROWS = 8
INFER = f"/v2/models/{MODEL}/infer"
LENGTH = "inference-header-content-length"

Row: TypeAlias = Mapping[str, Any]
Values: TypeAlias = tuple[list[str], bytes]
"""What a version answers: the label of each row, and all probabilities as FP64 in row-major order."""
Read: TypeAlias = Callable[[bytes, Mapping[str, str]], tuple[str | None, Values]]


@dataclass(frozen=True)
class Question:
    """A request, and how its answer is read: the version that the body names, if it names one, and the values."""

    path: str
    body: bytes
    read: Read
    rows: int
    expected: Mapping[str, Values]
    headers: Mapping[str, str] = field(default_factory=lambda: {"content-type": "application/json"})


def questions(folder: Path) -> list[Question]:
    """Requests of 1 to 8 rows."""
    rows = json.loads((folder / "rows.json").read_text())
    answered = _answers(folder)
    made = []
    for at in range(len(rows) - MOST_ROWS):
        some = rows[at : at + 1 + at % MOST_ROWS]
        expected = {version: answer(some) for version, answer in answered.items()}
        assert len({values for _, values in expected.values()}) == len(VERSIONS), "both versions answer alike"
        made += [make(some, expected) for make in (_rows, _vertex, _tensors, _binary)]
    return made


def _answers(folder: Path) -> dict[str, Callable[[Sequence[Row]], Values]]:
    models, reader = LocalStore(folder / "models"), RowReader(SCHEMA)

    def of(version: str) -> Callable[[Sequence[Row]], Values]:
        predictor = load_version(models, MODEL, version, load_predictor).predictor

        def answer(rows: Sequence[Row]) -> Values:
            outputs = predictor.predict(reader.rows(rows).columns)
            assert outputs.labels is not None
            return outputs.labels.tolist(), np.asarray(outputs.probabilities, "<f8").tobytes()

        return answer

    return {version: of(version) for version in VERSIONS}


def _rows(rows: Sequence[Row], expected: Mapping[str, Values]) -> Question:
    body = json.dumps({"instances": rows}).encode()
    return Question(f"/v1/models/{MODEL}:predict", body, _read_rows, len(rows), expected)


def _read_rows(body: bytes, _headers: Mapping[str, str]) -> tuple[str | None, Values]:
    return None, _plain(json.loads(body)["predictions"])


def _plain(predictions: list[dict[str, Any]]) -> Values:
    probabilities = [[*each["probabilities"].values()] for each in predictions]
    return [each["label"] for each in predictions], np.array(probabilities, "<f8").tobytes()


def _vertex(rows: Sequence[Row], expected: Mapping[str, Values]) -> Question:
    path = "/v1/endpoints/1/deployedModels/2:predict"
    return Question(path, json.dumps({"instances": rows}).encode(), _read_vertex, len(rows), expected)


def _read_vertex(body: bytes, _headers: Mapping[str, str]) -> tuple[str | None, Values]:
    answer = json.loads(body)
    return answer["metadata"]["model_version"], _plain(answer["predictions"])


def _tensors(rows: Sequence[Row], expected: Mapping[str, Values]) -> Question:
    inputs = [
        {"name": name, "datatype": _datatype(name), "shape": [len(rows)], "data": [row[name] for row in rows]}
        for name in SCHEMA.feature_names
    ]
    return Question(INFER, json.dumps({"inputs": inputs}).encode(), _read_tensors, len(rows), expected)


def _datatype(name: str) -> str:
    return "BYTES" if name in CATEGORIES else "INT64" if name in INTEGERS else "FP64"


def _read_tensors(body: bytes, _headers: Mapping[str, str]) -> tuple[str | None, Values]:
    answer = json.loads(body)
    outputs = {each["name"]: each["data"] for each in answer["outputs"]}
    return answer["model_version"], (outputs["label"], np.array(outputs["probabilities"], "<f8").tobytes())


def _binary(rows: Sequence[Row], expected: Mapping[str, Values]) -> Question:
    inputs, behind = [], b""
    for name in SCHEMA.feature_names:
        raw = _raw(name, [row[name] for row in rows])
        more = {"parameters": {"binary_data_size": len(raw)}}
        inputs.append({"name": name, "datatype": _datatype(name), "shape": [len(rows), 1], **more})
        behind += raw
    text = json.dumps({"inputs": inputs, "parameters": {"binary_data_output": True}}).encode()
    headers = {LENGTH: str(len(text)), "content-type": "application/octet-stream"}
    return Question(INFER, text + behind, _read_binary, len(rows), expected, headers)


def _raw(name: str, values: list[Any]) -> bytes:
    """Little-endian; a text is its length and then its UTF-8; null is NaN."""
    if name in CATEGORIES:
        return b"".join(len(each.encode()).to_bytes(4, "little") + each.encode() for each in values)
    return np.array(values, "<i8" if name in INTEGERS else "<f8").tobytes()


def _read_binary(body: bytes, headers: Mapping[str, str]) -> tuple[str | None, Values]:
    at = int(headers[LENGTH])
    answer, found = json.loads(body[:at]), {}
    for output in answer["outputs"]:
        size = output["parameters"]["binary_data_size"]
        found[output["name"]], at = body[at : at + size], at + size
    probabilities = np.frombuffer(found["probabilities"], "<f4").astype("<f8")
    return answer["model_version"], (_texts(found["label"]), probabilities.tobytes())


def _texts(raw: bytes) -> list[str]:
    found, at = [], 0
    while at < len(raw):
        end = at + 4 + int.from_bytes(raw[at : at + 4], "little")
        found.append(raw[at + 4 : end].decode())
        at = end
    return found
