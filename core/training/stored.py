"""A fitted pipeline in skops format, with the same bytes for the same pipeline."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import skops.io
from sklearn.pipeline import Pipeline

TRUSTED = (
    "numpy.dtype",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.tree._tree.Tree",
    "skl2onnx.sklapi.cast_transformer.CastTransformer",
)
"""What the presets hold beyond skops's own list: `skops.io.loads(data, trusted=TRUSTED)` loads them."""

_SCHEMA = "schema.json"
_EPOCH = (1980, 1, 1, 0, 0, 0)


def to_skops(pipeline: Pipeline) -> bytes:
    """The archive that skops writes, with objects numbered in their order instead of by memory address, and no times.

    Nothing is compressed: zlib and its successors give different bytes.
    """
    with zipfile.ZipFile(io.BytesIO(skops.io.dumps(pipeline))) as archive:
        schema = json.loads(archive.read(_SCHEMA))
        numbers: dict[int, int] = {}
        files: dict[str, str] = {}
        _number(schema, numbers, files)
        members = {files[name]: archive.read(name) for name in archive.namelist() if name != _SCHEMA}
    members[_SCHEMA] = json.dumps(schema, indent=None).encode()
    return _zip(members)


def _number(node: Any, numbers: dict[int, int], files: dict[str, str]) -> None:  # noqa: ANN401 - any JSON value
    if isinstance(node, list):
        for item in node:
            _number(item, numbers, files)
    elif isinstance(node, dict):
        if isinstance(node.get("__id__"), int):
            node["__id__"] = numbers.setdefault(node["__id__"], len(numbers))
        if isinstance(node.get("file"), str):
            suffix = node["file"].rpartition(".")[2]
            node["file"] = files.setdefault(node["file"], f"{len(files)}.{suffix}")
        for item in node.values():
            _number(item, numbers, files)


def _zip(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), data)
    return buffer.getvalue()
