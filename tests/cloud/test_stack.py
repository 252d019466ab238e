"""The very archives and the very template, deployed by osls on a local AWS that enforces IAM; then only boto3 and HTTP
talk to them.

One stack is deployed once, and everything that can be shown on it is shown in turn, in one test: a second worker would
deploy a second stack.
"""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from core.declaration import declarations
from iac.package import package
from localstack.__main__ import MODEL, first_prediction, flight, seed
from localstack.cloud import ROOT, Cloud, ask, deploy, osls, running

PATIENCE = 150.0
BAD = "this is,no file\nof flights,at all\n"


@pytest.fixture(scope="module")
def cloud() -> Iterator[Cloud]:
    for declared in declarations().values():
        package(declared, ROOT / "models", ROOT / "build" / "packages", lambda text: None)
    with running(AUTH="true") as started:
        deploy(started)
        yield started


def keys(cloud: Cloud, zone: str, prefix: str = "") -> list[str]:
    pages = cloud.client("s3").get_paginator("list_objects_v2").paginate(Bucket=cloud.bucket(zone), Prefix=prefix)
    return [entry["Key"] for page in pages for entry in page.get("Contents", ())]


def content(cloud: Cloud, zone: str, key: str) -> Any:
    return json.loads(cloud.client("s3").get_object(Bucket=cloud.bucket(zone), Key=key)["Body"].read())


def until(found: Callable[[], Any], patience: float = PATIENCE) -> Any:
    """What `found` returns, once that is something."""
    deadline = time.monotonic() + patience
    while not (value := found()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.5)
    return value


def queue_url(cloud: Cloud, name: str) -> str:
    url: str = cloud.client("sqs").get_queue_url(QueueName=f"tidemill-local-{name}")["QueueUrl"]
    return url


def letters(cloud: Cloud, function: str) -> list[dict[str, Any]]:
    url = queue_url(cloud, f"{function}-dead-letters")
    asked = {"MessageAttributeNames": ["All"], "MaxNumberOfMessages": 10, "VisibilityTimeout": 0}
    found: list[dict[str, Any]] = cloud.client("sqs").receive_message(QueueUrl=url, **asked).get("Messages", [])
    return found


def idle(cloud: Cloud) -> bool:
    """Whether nothing waits in any queue, nor is being handled."""
    counts = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
    sqs = cloud.client("sqs")
    for name in ("ingest", "validate", "train-trigger", "batch-inference", "drift-check"):
        told = sqs.get_queue_attributes(QueueUrl=queue_url(cloud, name), AttributeNames=list(counts))["Attributes"]
        if any(int(told[count]) for count in counts):
            return False
    return True


def the_template_is_one_that_cloudformation_takes(cloud: Cloud) -> None:
    """Let pass: W3005, osls names dependencies twice; W8003, a parameter that is empty makes a condition constant."""
    with TemporaryDirectory() as folder:
        osls(cloud, "package", "--package", folder)
        template = Path(folder) / "cloudformation-template-update-stack.json"
        linter = str(Path(sys.executable).with_name("cfn-lint"))
        command = [linter, "--ignore-checks", "W3005", "W8003", "--template", str(template)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def rows_dropped_with_boto3_alone_become_a_prediction_over_http(cloud: Cloud) -> None:
    seed(cloud)
    until(lambda: f"{MODEL}/route.json" in keys(cloud, "models"))
    answer = first_prediction(cloud)
    assert answer["predictions"][0]["label"] in {"true", "false"}
    (prediction_id,) = answer["prediction_ids"]
    logged = until(lambda: keys(cloud, "predictions", f"{MODEL}/realtime/"))
    lines = [
        json.loads(line)
        for key in logged
        for line in cloud.client("s3")
        .get_object(Bucket=cloud.bucket("predictions"), Key=key)["Body"]
        .read()
        .splitlines()
    ]
    (recorded,) = [line for line in lines if line["prediction_id"] == prediction_id]
    assert f"{MODEL}/versions/{recorded['model_version']}/manifest.json" in keys(cloud, "models")


def every_event_delivered_twice_changes_nothing(cloud: Cloud) -> None:
    until(lambda: idle(cloud))
    zones = ("datasets", "quarantine", "models")
    before = {zone: keys(cloud, zone) for zone in zones}
    for number, zone in enumerate(["landing", "landing", "datasets", "datasets"]):
        for key in keys(cloud, zone):
            resend(cloud, zone, key, number)
    until(lambda: idle(cloud))
    time.sleep(2)
    until(lambda: idle(cloud))
    after = {zone: keys(cloud, zone) for zone in zones}
    assert {zone: without_journal(found) for zone, found in after.items()} == {
        zone: without_journal(found) for zone, found in before.items()
    }
    assert letters(cloud, "ingest") == letters(cloud, "validate") == []


def without_journal(found: list[str]) -> list[str]:
    """A schedule may strike meanwhile, and its refusal be journalled."""
    return [key for key in found if "/journal/" not in key]


def resend(cloud: Cloud, zone: str, key: str, number: int) -> None:
    """Put the event of an object into the queue of the function that it starts, as EventBridge did."""
    function = "ingest" if zone == "landing" else "validate"
    head = cloud.client("s3").head_object(Bucket=cloud.bucket(zone), Key=key)
    event = json.loads((ROOT / "tests" / "events" / "golden" / "eventbridge_created.json").read_text("utf-8"))
    event["id"] = f"{event['id'][:-4]}{number:04}"
    event["detail"]["bucket"]["name"] = cloud.bucket(zone)
    event["detail"]["object"] |= {"key": key, "etag": head["ETag"].strip('"')}
    cloud.client("sqs").send_message(QueueUrl=queue_url(cloud, function), MessageBody=json.dumps(event))


def a_poison_file_becomes_a_dead_letter_with_its_reason_and_the_others_pass(cloud: Cloud) -> None:
    client, before = cloud.client("s3"), set(keys(cloud, "datasets"))
    april = gzip.decompress((ROOT / "examples" / "flights" / "2013-04.csv.gz").read_bytes())
    lines = april.splitlines(keepends=True)
    for number in range(3):
        part = b"".join([lines[0], *lines[1 + 100 * number : 101 + 100 * number]])
        client.put_object(Bucket=cloud.bucket("landing"), Key=f"{MODEL}/rows/april {number}+é.csv", Body=part)
    client.put_object(Bucket=cloud.bucket("landing"), Key=f"{MODEL}/rows/poison.csv", Body=BAD.encode())
    (letter,) = until(lambda: letters(cloud, "ingest"))
    attributes = {name: value["StringValue"] for name, value in letter["MessageAttributes"].items()}
    assert attributes["function"] == "ingest"
    assert "poison.csv" in attributes["reason"]
    assert json.loads(letter["Body"])["detail"]["object"]["key"] == f"{MODEL}/rows/poison.csv"
    new = until(lambda: three(set(keys(cloud, "datasets")) - before))
    assert sorted(content(cloud, "datasets", key)["source"]["key"] for key in new) == [
        f"{MODEL}/rows/april {number}+é.csv" for number in range(3)
    ]


def three(found: set[str]) -> list[str]:
    manifests = [key for key in found if key.endswith("/manifest.json")]
    return manifests if len(manifests) == 3 else []


def a_file_to_score_is_answered(cloud: Cloud) -> None:
    source = ROOT / "examples" / "flights" / "2013-05.csv.gz"
    cloud.client("s3").upload_file(str(source), cloud.bucket("landing"), f"{MODEL}/score/may.csv.gz")
    (success,) = until(
        lambda: [key for key in keys(cloud, "predictions", f"{MODEL}/batch/") if key.endswith("/_SUCCESS")]
    )
    assert content(cloud, "predictions", success)["rows"] > 4000
    assert letters(cloud, "batch-inference") == []


def bad_input_is_refused_over_http_in_a_sentence(cloud: Cloud) -> None:
    with pytest.raises(Exception, match="400") as caught:
        ask(cloud, MODEL, [{**flight(), "distance": "far"}])
    answer: Any = caught.value
    with answer:
        assert "distance" in json.load(answer)["error"]


def what_is_removed_leaves_the_data_alone(cloud: Cloud) -> None:
    osls(cloud, "remove")
    assert [each["FunctionName"] for each in cloud.client("lambda").list_functions()["Functions"]] == []
    assert cloud.client("sqs").list_queues().get("QueueUrls", []) == []
    assert keys(cloud, "models", f"{MODEL}/route.json")


STEPS = (
    the_template_is_one_that_cloudformation_takes,
    rows_dropped_with_boto3_alone_become_a_prediction_over_http,
    every_event_delivered_twice_changes_nothing,
    a_poison_file_becomes_a_dead_letter_with_its_reason_and_the_others_pass,
    a_file_to_score_is_answered,
    bad_input_is_refused_over_http_in_a_sentence,
    what_is_removed_leaves_the_data_alone,
)


@pytest.mark.slow
def test_the_stack(cloud: Cloud) -> None:
    for step in STEPS:
        step(cloud)
