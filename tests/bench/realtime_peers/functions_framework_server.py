"""Google's functions-framework: one function on gunicorn, as it runs in Google Cloud."""

import functions_framework

from tests.bench.realtime_peers.onnx_model import OnnxModel

model = OnnxModel()


@functions_framework.http
def predict(request):
    return {"predictions": model.answer(request.get_json()["instances"])}
