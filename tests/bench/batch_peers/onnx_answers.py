"""Rows of a frame through onnxruntime on one thread, for engines that give frames to their workers."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pandas as pd

from tests.bench.realtime_parts.model_names import CATEGORIES, INTEGERS, NUMBERS

COLUMNS = ["flight", "scheduled", *CATEGORIES, *INTEGERS, *NUMBERS]
ROWS = 16_384


class Answers:
    """A model in memory."""

    def __init__(self, onnx: str) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(onnx, options, providers=["CPUExecutionProvider"])

    def __call__(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Id, time, label and probabilities of each row."""
        found = [self._some(frame.iloc[start : start + ROWS]) for start in range(0, max(len(frame), 1), ROWS)]
        return pd.concat(found, ignore_index=True)

    def _some(self, frame: pd.DataFrame) -> pd.DataFrame:
        feeds = {name: frame[name].fillna("<null>").to_numpy(object).reshape(-1, 1) for name in CATEGORIES}
        feeds |= {name: frame[name].to_numpy(np.float32).reshape(-1, 1) for name in (*INTEGERS, *NUMBERS)}
        labels, shares = self._session.run(["label", "probabilities"], feeds)
        passed = frame[["flight", "scheduled"]]
        return passed.assign(label=labels, probability_0=shares[:, 0], probability_1=shares[:, 1])
