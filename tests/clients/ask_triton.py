"""Ask by tritonclient, unmodified, in the environment of the clients: rows on stdin, what came back on stdout."""

import json
import sys

import numpy as np
import tritonclient.http as triton

host, model = sys.argv[1:]
rows = json.load(sys.stdin)
DTYPES = {str: np.object_, bool: np.bool_, int: np.int64, float: np.float64}


def tensors(*, binary: bool) -> list[triton.InferInput]:
    made = []
    for name, first in rows[0].items():
        values = np.array([row[name] for row in rows], DTYPES[type(first)]).reshape(-1, 1)
        tensor = triton.InferInput(name, list(values.shape), triton.np_to_triton_dtype(values.dtype))
        made.append(tensor.set_data_from_numpy(values, binary_data=binary))
    return made


def plain(result: triton.InferResult) -> dict[str, object]:
    label, probabilities = result.as_numpy("label"), result.as_numpy("probabilities")
    texts = [each.decode() if isinstance(each, bytes) else each for each in label.tolist()]
    ids = result.as_numpy("prediction_id")
    return {
        "label": texts,
        "probabilities": None if probabilities is None else probabilities.tolist(),
        "ids": len(set(ids.tolist())),
        "version": result.get_response()["model_version"],
        "id": result.get_response().get("id"),
    }


def wanted(*, binary: bool) -> list[triton.InferRequestedOutput]:
    return [triton.InferRequestedOutput(name, binary_data=binary) for name in ("label", "probabilities")]


def refusal(client: triton.InferenceServerClient) -> dict[str, str]:
    short = triton.InferInput("island", [1, 1], "BYTES").set_data_from_numpy(np.array([["Elba"]], np.object_))
    try:
        client.infer(model, [short])
    except triton.InferenceServerException as error:
        return {"status": error.status(), "message": error.message()}
    return {}


with triton.InferenceServerClient(host) as client:
    version = client.get_model_metadata(model)["versions"][0]
    told = {
        "live": client.is_server_live(),
        "ready": client.is_server_ready(),
        "model_ready": [
            client.is_model_ready(model),
            client.is_model_ready(model, version),
            client.is_model_ready("no"),
        ],
        "server": client.get_server_metadata(),
        "metadata": client.get_model_metadata(model, version),
        "refused": refusal(client),
        "answers": {
            "binary": plain(client.infer(model, tensors(binary=True))),
            "json": plain(client.infer(model, tensors(binary=False), outputs=wanted(binary=False), request_id="mine")),
            "json in, binary out": plain(client.infer(model, tensors(binary=False), outputs=wanted(binary=True))),
            "binary in, json out": plain(client.infer(model, tensors(binary=True), outputs=wanted(binary=False))),
            "a version": plain(client.infer(model, tensors(binary=True), model_version=version)),
            "gzip": plain(
                client.infer(
                    model,
                    tensors(binary=True),
                    request_compression_algorithm="gzip",
                    response_compression_algorithm="gzip",
                )
            ),
            "deflate": plain(
                client.infer(
                    model,
                    tensors(binary=True),
                    request_compression_algorithm="deflate",
                    response_compression_algorithm="deflate",
                )
            ),
            "later": plain(client.async_infer(model, tensors(binary=True)).get_result()),
        },
    }
sys.stdout.write(json.dumps(told))
