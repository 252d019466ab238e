"""BentoML: a service of one worker with one API."""

import bentoml

from tests.bench.realtime_peers.onnx_model import OnnxModel
from tests.bench.realtime_peers.pydantic_rows import Answer, Row


@bentoml.service(workers=1)
class Flights:
    def __init__(self) -> None:
        self.model = OnnxModel()

    @bentoml.api
    def predict(self, instances: list[Row]) -> Answer:
        return Answer.model_validate({"predictions": self.model.answer([vars(row) for row in instances])})
