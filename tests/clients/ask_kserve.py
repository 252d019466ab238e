"""Ask by the KServe client, unmodified, in the environment of the clients: rows on stdin, what came back on stdout."""

import asyncio
import json
import sys

import httpx
import numpy as np
from kserve import InferenceRESTClient, InferInput, InferRequest, RESTConfig
from kserve.protocol.infer_type import RequestedOutput

url, model = sys.argv[1:]
rows = json.load(sys.stdin)
KINDS = {str: ("BYTES", np.object_), bool: ("BOOL", np.bool_), int: ("INT64", np.int64), float: ("FP64", np.float64)}


def request(*, binary: bool, **more: object) -> InferRequest:
    made = []
    for name, first in rows[0].items():
        datatype, dtype = KINDS[type(first)]
        values = np.array([row[name] for row in rows], dtype).reshape(-1, 1)
        tensor = InferInput(name, list(values.shape), datatype)
        tensor.set_data_from_numpy(values, binary_data=binary)
        made.append(tensor)
    return InferRequest(model, made, **more)


def plain(response: object) -> dict[str, object]:
    found = {output.name: output.as_numpy() for output in response.outputs}
    return {
        "label": [each.decode() if isinstance(each, bytes) else each for each in found["label"].tolist()],
        "probabilities": found["probabilities"].tolist(),
        "ids": len(set(found["prediction_id"].tolist())),
        "id": response.id,
    }


async def refusal(client: InferenceRESTClient) -> dict[str, object]:
    tensor = InferInput("island", [1, 1], "BYTES", ["Elba"])
    try:
        await client.infer(url, InferRequest(model, [tensor]), model_name=model)
    except httpx.HTTPStatusError as error:
        return {"status": error.response.status_code, "message": str(error)}
    return {}


async def main() -> dict[str, object]:
    async with InferenceRESTClient(RESTConfig(protocol="v2")) as v2, InferenceRESTClient() as v1:
        outputs = [RequestedOutput(name, {"binary_data": True}) for name in ("label", "probabilities")]
        by_row = await v1.infer(url, {"instances": rows}, model_name=model)
        return {
            "live": await v2.is_server_live(url),
            "ready": await v2.is_server_ready(url),
            "model_ready": [await client.is_model_ready(url, model) for client in (v2, v1)],
            "refused": await refusal(v2),
            "answers": {
                "json": plain(await v2.infer(url, request(binary=False, request_id="mine"), model_name=model)),
                "binary": plain(await v2.infer(url, request(binary=True), model_name=model)),
                "binary out": plain(
                    await v2.infer(url, request(binary=True, request_outputs=outputs), model_name=model)
                ),
            },
            "v1": by_row["predictions"],
        }


sys.stdout.write(json.dumps(asyncio.run(main())))
