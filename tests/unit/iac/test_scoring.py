"""The state machine that scores very many files: by its rules, and run by ministack, which ignores ResultWriter."""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest

from core.declaration import declarations
from core.events.aws import Decoder, Envelope
from core.events.messages import ObjectCreated
from iac.aws.scoring import scoring
from localstack.cloud import RUNTIME, Cloud, running

BATCH = declarations()["batch_inference"]
DEFINITION = scoring(BATCH)["ScoreFiles"]["Properties"]["Definition"]
FILES = DEFINITION["States"]["Files"]
OF_ONE_FILE = FILES["ItemProcessor"]["States"]
PREFIX = "m/score/"

FUNCTION = """
import uuid, boto3

class BadInput(Exception):
    pass

def handler(event, context):
    boto3.client("s3").put_object(Bucket="calls", Key=event["key"] + "/" + uuid.uuid4().hex)
    if "poison" in event["key"]:
        raise BadInput("no header.")
    return {"batchItemFailures": []}
"""


def test_every_state_leads_to_an_end() -> None:
    reached, waiting = set(), ["Score"]
    while waiting:
        name = waiting.pop()
        reached.add(name)
        state = OF_ONE_FILE[name]
        after = [state.get("Next"), *(each["Next"] for each in state.get("Catch", ()))]
        assert state.get("End") or state.get("Next") or state["Type"] == "Fail"
        waiting += [each for each in after if each and each not in reached]
    assert reached == set(OF_ONE_FILE)


def test_what_cannot_help_is_not_tried_again() -> None:
    never, on, again = OF_ONE_FILE["Score"]["Retry"]
    assert set(never["ErrorEquals"]) >= {"BadInput", "Corrupt", "NotFound", "Refused"}
    assert not {"TidemillError", "Transient"} & set(never["ErrorEquals"])
    assert never["MaxAttempts"] == 0
    assert on["ErrorEquals"] == ["TimeUp"]
    assert on["MaxAttempts"] > 100
    assert again["MaxAttempts"] == 2
    assert FILES["MaxConcurrency"] == BATCH.concurrency


def test_the_function_takes_what_it_is_called_with_and_what_becomes_a_dead_letter() -> None:
    item = {"zone": FILES["ItemSelector"]["zone"], "key": "m/score/a.csv"}
    assert set(FILES["ItemSelector"]) == {"zone", "key.$"}
    letter = OF_ONE_FILE["Keep"]["Parameters"]["MessageBody"]
    assert letter == {"zone.$": "$.zone", "key.$": "$.key"}
    (message,) = Decoder("s3://acme-{zone}", BATCH.name).messages(Envelope(None, item))
    assert message == ObjectCreated("landing", "m/score/a.csv")
    assert BATCH.triggers[0].fits(message.zone, message.key)


@pytest.fixture(scope="module")
def cloud() -> Iterator[Cloud]:
    with running() as started:
        yield started


def filled(value: Any, names: dict[str, str]) -> Any:
    """A part of a template, with what it refers to put in."""
    match value:
        case {"Fn::Sub": str(text)}:
            return text.replace("${AWS::Partition}", "aws")
        case {"Fn::GetAtt": [str(name), _]} | {"Ref": str(name)}:
            return names[name]
        case dict():
            return {name: filled(each, names) for name, each in value.items()}
        case list():
            return [filled(each, names) for each in value]
    return value


def archive(code: str) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as packed:
        packed.writestr("main.py", code)
    return data.getvalue()


def deployed(cloud: Cloud) -> tuple[str, str]:
    """(state machine, dead letters), with a function that notes its calls."""
    s3, role = cloud.client("s3"), "arn:aws:iam::000000000000:role/any"
    for bucket in ("landing", "calls", "reports"):
        s3.create_bucket(Bucket=bucket)
    letters: str = cloud.client("sqs").create_queue(QueueName="letters")["QueueUrl"]
    function = cloud.client("lambda").create_function(
        FunctionName="score", Runtime=RUNTIME, Role=role, Handler="main.handler", Code={"ZipFile": archive(FUNCTION)}
    )
    names = {
        "LandingBucket": "landing",
        "ReportsBucket": "reports",
        "BatchInferenceDeadLetters": letters,
        "BatchInferenceLambdaFunction": function["FunctionArn"],
    }
    definition = filled(DEFINITION, names)
    definition["States"]["Files"]["ItemProcessor"]["States"]["Score"]["Retry"][-1]["IntervalSeconds"] = 1
    definition["States"]["Files"]["ItemProcessor"]["States"]["Score"]["Retry"][-1]["BackoffRate"] = 1
    made = cloud.client("stepfunctions").create_state_machine(
        name="score-files", definition=json.dumps(definition), roleArn=role
    )
    return made["stateMachineArn"], letters


def run(cloud: Cloud, machine: str) -> dict[str, Any]:
    """How an execution ended, and what became of the files."""
    client = cloud.client("stepfunctions")
    started = client.start_execution(stateMachineArn=machine, input=json.dumps({"prefix": PREFIX}))["executionArn"]
    deadline = time.monotonic() + 120
    while (told := client.describe_execution(executionArn=started))["status"] == "RUNNING":
        assert time.monotonic() < deadline
        time.sleep(0.2)
    (every,) = client.list_map_runs(executionArn=started)["mapRuns"]
    counts = client.describe_map_run(mapRunArn=every["mapRunArn"])["itemCounts"]
    return {"status": told["status"], **{name: counts[name] for name in ("total", "succeeded", "failed")}}


@pytest.mark.slow
def test_each_file_is_scored_and_one_that_cannot_be_becomes_a_dead_letter(cloud: Cloud) -> None:
    machine, letters = deployed(cloud)
    s3, names = cloud.client("s3"), [f"{PREFIX}{number} é+%.csv" for number in range(30)]
    for key in [*names, f"{PREFIX}poison.csv", "m/rows/other.csv", "n/score/other.csv"]:
        s3.put_object(Bucket="landing", Key=key, Body=b"a\n")
    assert run(cloud, machine) == {"status": "SUCCEEDED", "total": 31, "succeeded": 30, "failed": 1}
    calls = [entry["Key"].rsplit("/", 1)[0] for entry in s3.list_objects_v2(Bucket="calls")["Contents"]]
    assert sorted(key for key in calls if "poison" not in key) == sorted(names)
    (letter,) = cloud.client("sqs").receive_message(QueueUrl=letters, MessageAttributeNames=["All"])["Messages"]
    assert json.loads(letter["Body"]) == {"zone": "landing", "key": f"{PREFIX}poison.csv"}
    attributes = {name: each["StringValue"] for name, each in letter["MessageAttributes"].items()}
    assert attributes["function"] == "batch_inference"
    assert "no header." in attributes["reason"]
