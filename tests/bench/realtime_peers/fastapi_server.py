"""FastAPI, answering on the event loop: faster than in its pool of threads."""

from fastapi import FastAPI

from tests.bench.realtime_peers.onnx_model import OnnxModel
from tests.bench.realtime_peers.pydantic_rows import Answer, Body

app = FastAPI()
model = OnnxModel()


@app.post("/predict")
async def predict(body: Body) -> Answer:
    return Answer.model_validate({"predictions": model.answer([vars(row) for row in body.instances])})
