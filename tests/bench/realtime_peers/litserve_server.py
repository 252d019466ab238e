"""LitServe: one API server and one worker."""

import sys

import litserve

from tests.bench.realtime_peers.onnx_model import OnnxModel


class Flights(litserve.LitAPI):
    def setup(self, device):
        self.model = OnnxModel()

    def decode_request(self, request):
        return request["instances"]

    def predict(self, rows):
        return self.model.answer(rows)

    def encode_response(self, predictions):
        return {"predictions": predictions}


if __name__ == "__main__":
    server = litserve.LitServer(Flights(), accelerator="cpu")
    server.run("127.0.0.1", int(sys.argv[1]), num_api_servers=1, log_level="warning", generate_client_file=False)
