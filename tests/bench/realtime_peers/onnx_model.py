"""The bench's ONNX model for servers that are written by hand: one session of one thread, rows as dicts."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnxruntime

from tests.bench.realtime_parts.model_names import CATEGORIES, INTEGERS, NUMBERS


class OnnxModel:
    """`PEER_MODEL` in the environment says where the file lies."""

    def __init__(self) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        path = os.environ["PEER_MODEL"]
        self._session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    def answer(self, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """One prediction a row, as the floor gives it."""
        feeds = {name: np.array([row[name] for row in rows], object).reshape(-1, 1) for name in CATEGORIES}
        for name in (*INTEGERS, *NUMBERS):
            feeds[name] = np.array([row[name] for row in rows], np.float32).reshape(-1, 1)
        labels, probabilities = self._session.run(["label", "probabilities"], feeds)
        return [
            {"label": label, "probabilities": {"false": no, "true": yes}}
            for label, (no, yes) in zip(labels.tolist(), probabilities.tolist(), strict=True)
        ]
