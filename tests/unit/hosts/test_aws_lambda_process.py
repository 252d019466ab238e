"""A real awslambdaric process, which asks a Runtime API on loopback for events, with the model in S3."""

import json
import uuid
from typing import Any

import boto3
import pytest

from core.adapters.registry import open_store
from core.domain.prediction import place_of
from tests import penguins
from tests.penguins import MODEL, ROW
from tests.servers.lambda_runtime import process, runtime_api

HANDLER = "functions.realtime_inference.aws.handler"


@pytest.fixture
def environ(moto_url: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1"}
    bucket = f"lambda-{uuid.uuid4().hex[:8]}"
    environ = {**keys, "AWS_ENDPOINT_URL": moto_url, "TIDEMILL_STORE": f"s3://{bucket}-{{zone}}"}
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    for zone in ("models", "predictions"):
        boto3.client("s3").create_bucket(Bucket=f"{bucket}-{zone}")
    models = open_store(environ["TIDEMILL_STORE"], "models")
    penguins.classifier().store(models)
    penguins.route(models, penguins.classifier())
    return {**environ, "TIDEMILL_SERVE": MODEL, "TIDEMILL_ACCESS": "iam"}


def asking(path: str, body: object = None) -> dict[str, Any]:
    method = "GET" if body is None else "POST"
    context = {"stage": "$default", "http": {"method": method, "path": path}}
    text = None if body is None else json.dumps(body)
    return {"version": "2.0", "rawPath": path, "headers": {}, "requestContext": context, "body": text}


@pytest.mark.slow
def test_the_model_is_loaded_before_the_first_event_and_answers_are_recorded(environ: dict[str, str]) -> None:
    with runtime_api() as api, process(api, HANDLER, environ):
        assert api.ready.wait(60), "the function never asked for an event"
        metadata = api.invoke(asking(f"/v2/models/{MODEL}"))
        boto3.client("s3").delete_object(
            Bucket=environ["TIDEMILL_STORE"].removeprefix("s3://").format(zone="models"),
            Key=f"{MODEL}/versions/{penguins.classifier().version}/model.onnx",
        )
        answer = api.invoke(asking(f"/v1/models/{MODEL}:predict", {"instances": [ROW]}))
        refused = api.invoke(asking(f"/v1/models/{MODEL}:predict", {"instances": [{}]}))
    assert json.loads(metadata["body"])["versions"] == [penguins.classifier().version]
    assert (answer["statusCode"], refused["statusCode"]) == (200, 400)
    (prediction_id,) = json.loads(answer["body"])["prediction_ids"]
    stored = open_store(environ["TIDEMILL_STORE"], "predictions").get(place_of(prediction_id).key)
    assert json.loads(stored.data)["prediction_id"] == prediction_id
