"""The template through its life: taken by CloudFormation, made by the release before, updated to this one, removed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from core.declaration import declarations
from core.layout import ZONES
from localstack.__main__ import first_prediction, seed
from localstack.cloud import Cloud, deploy, osls
from localstack.demo import MODEL
from localstack.watch import body, content, keys, until

from .stack import PREFIX, dead, failures_come_again_soon, letters, queues, redrive, settle, writes

TEMPLATE = "cloudformation-template-update-stack.json"
STATE = "serverless-state.json"
JOB = "TrainLambdaFunction"


def the_template_is_one_that_cloudformation_takes(cloud: Cloud) -> None:
    """Let pass: W3005, osls names dependencies twice; W8003, a parameter that is empty makes a condition constant."""
    with TemporaryDirectory() as folder:
        osls(cloud, "package", "--package", folder)
        linter = str(Path(sys.executable).with_name("cfn-lint"))
        command = [linter, "--ignore-checks", "W3005", "W8003", "--template", str(Path(folder) / TEMPLATE)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def rows_dropped_with_boto3_alone_become_a_prediction_over_http(cloud: Cloud) -> None:
    """No call of our Python API in between; and what was answered is recorded with the version that answered."""
    seed(cloud)
    until(lambda: f"{MODEL}/route.json" in keys(cloud, "models"))
    assert f"{MODEL}/versions/{_answering(cloud)}/manifest.json" in keys(cloud, "models")


def _answering(cloud: Cloud) -> str:
    """The version that answers, as it is recorded with the answer."""
    answer = first_prediction(cloud)
    assert answer["predictions"][0]["label"] in {"true", "false"}
    (prediction_id,) = answer["prediction_ids"]
    (line,) = until(lambda: _recorded(cloud, prediction_id))
    return str(line["model_version"])


def _recorded(cloud: Cloud, prediction_id: str) -> list[dict[str, Any]]:
    logs = [body(cloud, "predictions", key) for key in keys(cloud, "predictions", f"{MODEL}/realtime/")]
    lines = [json.loads(line) for log in logs for line in log.splitlines()]
    return [line for line in lines if line["prediction_id"] == prediction_id]


def an_update_from_the_release_before_keeps_the_data_and_who_serves(cloud: Cloud) -> None:
    """Every function becomes this release's, and nothing that is stored is written anew or lost."""
    settle(cloud)
    before, served, stack = writes(cloud, ZONES), content(cloud, "models", f"{MODEL}/route.json"), _stack(cloud)
    with failures_come_again_soon(cloud):
        update(cloud)
        settle(cloud)
    _redrive_what_lacked_a_grant(cloud)
    assert _stack(cloud)["StackId"] == stack["StackId"]
    assert _stack(cloud)["StackStatus"] == "UPDATE_COMPLETE"
    lost = before - writes(cloud, ZONES)
    assert not lost
    assert content(cloud, "models", f"{MODEL}/route.json")["champion"] == served["champion"]
    assert _answering(cloud) == served["champion"]
    names = {each["FunctionName"] for each in cloud.client("lambda").list_functions()["Functions"]}
    assert {f"{PREFIX}{name.replace('_', '-')}" for name in declarations()} <= names


def _redrive_what_lacked_a_grant(cloud: Cloud) -> None:
    """The code of today was under the roles of the release before: what needs a new grant was denied, not now."""
    for function in dead(cloud):
        assert all("AccessDenied" in json.dumps(letter) for letter in letters(cloud, function))
        redrive(cloud, function)
    settle(cloud)
    assert dead(cloud) == {}


def update(cloud: Cloud) -> None:
    """Deploy this release upon the one before, all but the training job's code.

    That goes as an image to AWS; here it is a zip, which the local AWS takes beyond Lambda's limit when a function is
    made, and refuses when it is updated.
    """
    with TemporaryDirectory() as folder:
        osls(cloud, "package", "--package", folder)
        state = Path(folder) / STATE
        told = json.loads(state.read_text("utf-8"))
        resources = told["service"]["provider"]["compiledCloudFormationTemplate"]["Resources"]
        resources[JOB]["Properties"]["Code"] = _deployed(cloud)[JOB]["Properties"]["Code"]
        state.write_text(json.dumps(told), "utf-8")
        deploy(cloud, "--package", folder)


def _deployed(cloud: Cloud) -> dict[str, Any]:
    template = cloud.client("cloudformation").get_template(StackName="tidemill-local")["TemplateBody"]
    found: dict[str, Any] = (json.loads(template) if isinstance(template, str) else template)["Resources"]
    return found


def _stack(cloud: Cloud) -> dict[str, Any]:
    (found,) = cloud.client("cloudformation").describe_stacks(StackName="tidemill-local")["Stacks"]
    return dict(found)


def what_is_removed_leaves_the_data_alone(cloud: Cloud) -> None:
    """Only the buckets stay that docs/aws.md names; not a byte in them is touched."""
    before = writes(cloud, ZONES)
    osls(cloud, "remove")
    assert remains(cloud) == {"s3": sorted(cloud.bucket(zone) for zone in ZONES)}
    assert before <= writes(cloud, ZONES)


def remains(cloud: Cloud) -> dict[str, list[str]]:
    """Service -> names of what is there of the stack, wherever it could be."""
    mappings = cloud.client("lambda").list_event_source_mappings()["EventSourceMappings"]
    rules = cloud.client("events").list_rules()["Rules"]
    alarms = cloud.client("cloudwatch").describe_alarms()["MetricAlarms"]
    groups = cloud.client("logs").describe_log_groups()["logGroups"]
    found = {
        "s3": [each["Name"] for each in cloud.client("s3").list_buckets()["Buckets"]],
        "lambda": [each["FunctionName"] for each in cloud.client("lambda").list_functions()["Functions"]],
        "mappings": [each["UUID"] for each in mappings],
        "sqs": queues(cloud),
        "events": [each["Name"] for each in rules],
        "iam": [each["RoleName"] for each in cloud.client("iam").list_roles()["Roles"]],
        "logs": [each["logGroupName"] for each in groups],
        "cloudwatch": [each["AlarmName"] for each in alarms],
        "sns": [each["TopicArn"] for each in cloud.client("sns").list_topics()["Topics"]],
        "states": [each["name"] for each in cloud.client("stepfunctions").list_state_machines()["stateMachines"]],
        "http": [each["ApiId"] for each in cloud.client("apigatewayv2").get_apis()["Items"]],
    }
    return {service: sorted(names) for service, names in found.items() if names}
