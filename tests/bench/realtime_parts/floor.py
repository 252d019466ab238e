"""The floor: raw ASGI that decodes with types written by hand, runs onnxruntime, encodes, and does nothing else.

`python -m tests.bench.realtime_parts.floor MODEL.onnx PORT`
"""

from __future__ import annotations

import sys
from typing import Any

import msgspec
import numpy as np
import onnxruntime
import uvicorn

from .model_names import CATEGORIES, INTEGERS, NUMBERS


class Row(msgspec.Struct):
    carrier: str
    origin: str
    dest: str
    weekday: str
    minute_of_day: int
    day: int
    distance: float
    temp: float | None = None
    dewp: float | None = None
    humid: float | None = None
    wind_speed: float | None = None
    wind_dir: float | None = None
    precip: float | None = None
    visib: float | None = None
    pressure: float | None = None


class Body(msgspec.Struct):
    instances: list[Row]


DECODER = msgspec.json.Decoder(Body)
ENCODER = msgspec.json.Encoder()


class Floor:
    def __init__(self, path: str) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        message = await receive()
        body = message["body"]
        while message.get("more_body"):
            message = await receive()
            body += message["body"]
        answer = self.answer(body)
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(answer)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    def answer(self, body: bytes) -> bytes:
        rows = DECODER.decode(body).instances
        feeds = {name: np.array([getattr(row, name) for row in rows], object).reshape(-1, 1) for name in CATEGORIES}
        for name in (*INTEGERS, *NUMBERS):
            feeds[name] = np.array([getattr(row, name) for row in rows], np.float32).reshape(-1, 1)
        labels, probabilities = self.session.run(["label", "probabilities"], feeds)
        answers = [
            {"label": label, "probabilities": {"false": no, "true": yes}}
            for label, (no, yes) in zip(labels.tolist(), probabilities.tolist(), strict=True)
        ]
        return ENCODER.encode({"predictions": answers})


if __name__ == "__main__":
    uvicorn.run(Floor(sys.argv[1]), port=int(sys.argv[2]), log_level="warning", access_log=False, lifespan="off")
