"""What is rendered for AWS: every bucket is closed, every function has its queue, dead letters and alarms."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from core.declaration import declarations
from core.layout import ZONES
from core.spec import ModelSpec
from iac.aws.names import logical
from iac.aws.schedules import rate, schedules
from iac.render import rendered

SPEC = ModelSpec.model_validate(
    {
        "model": "a-b",
        "task": "binary",
        "target": "y",
        "features": [{"name": "x", "type": "number"}],
        "estimator": "logistic-regression",
        "drift": {"every": "90m"},
        "batch": {"every": "1d"},
    }
)
FILES = rendered(declarations().values(), [SPEC])
RESOURCES = json.loads(FILES["aws/resources.json"])["Resources"]
FUNCTIONS = json.loads(FILES["aws/functions.json"])


def of_type(kind: str) -> dict[str, Any]:
    return {name: resource["Properties"] for name, resource in RESOURCES.items() if resource["Type"] == kind}


@pytest.mark.parametrize("zone", ZONES)
def test_a_bucket_is_closed_encrypted_versioned_tidied_and_kept(zone: str) -> None:
    bucket = RESOURCES[f"{logical(zone)}Bucket"]
    assert bucket["DeletionPolicy"] == bucket["UpdateReplacePolicy"] == "Retain"
    properties = bucket["Properties"]
    assert set(properties["PublicAccessBlockConfiguration"].values()) == {True}
    assert properties["VersioningConfiguration"] == {"Status": "Enabled"}
    assert "AES256" in json.dumps(properties["BucketEncryption"])
    assert "AbortIncompleteMultipartUpload" in properties["LifecycleConfiguration"]["Rules"][0]
    (statement,) = RESOURCES[f"{logical(zone)}BucketPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})


def test_zones_tell_of_objects_only_where_someone_listens() -> None:
    telling = {name for name, bucket in of_type("AWS::S3::Bucket").items() if "NotificationConfiguration" in bucket}
    listened = {trigger.zone for declared in declarations().values() for trigger in declared.triggers}
    assert telling == {f"{logical(zone)}Bucket" for zone in listened}


@pytest.mark.parametrize("name", [name for name, declared in declarations().items() if declared.kind == "event"])
def test_an_event_function_has_a_queue_dead_letters_and_alarms(name: str) -> None:
    queues, declared = of_type("AWS::SQS::Queue"), declarations()[name]
    queue = queues[f"{logical(name)}Queue"]
    assert queue["RedrivePolicy"]["deadLetterTargetArn"] == {"Fn::GetAtt": [f"{logical(name)}DeadLetters", "Arn"]}
    assert queue["VisibilityTimeout"] >= 6 * declared.timeout or queue["VisibilityTimeout"] == 43_200
    alarms = {name.removeprefix(logical(declared.name)) for name in of_type("AWS::CloudWatch::Alarm")}
    assert {"Errors", "Throttles", "HasDeadLetters", "IsLate"} <= alarms
    key = logical(name)[0].lower() + logical(name)[1:]
    (event,) = FUNCTIONS[key]["events"]
    assert event["sqs"]["functionResponseType"] == "ReportBatchItemFailures"
    assert FUNCTIONS[key]["memorySize"] == declared.memory


def test_rules_let_through_all_that_was_declared_and_know_no_double_star() -> None:
    patterns = [rule["EventPattern"] for rule in of_type("AWS::Events::Rule").values() if "EventPattern" in rule]
    keys = [key["wildcard"] for pattern in patterns for key in pattern["detail"]["object"]["key"]]
    assert "*/rows/*" in keys
    assert "*/route.json" in keys
    assert not [key for key in keys if "**" in key]


def test_schedules_are_those_of_the_spec_and_tell_their_model() -> None:
    rules = schedules(declarations().values(), [SPEC])
    told = {name: rule["Properties"]["ScheduleExpression"] for name, rule in rules.items()}
    assert told["DriftCheckScheduleaX2Db"] == "rate(90 minutes)"
    assert told["BatchInferenceScheduleaX2Db"] == "rate(1 day)"
    (target,) = rules["DriftCheckScheduleaX2Db"]["Properties"]["Targets"]
    template = target["InputTransformer"]["InputTemplate"]
    assert json.loads(template) == {"schedule": "drift_check", "model": "a-b", "at": "<at>"}


@pytest.mark.parametrize(
    ("every", "expression"),
    [
        (timedelta(0), "rate(1 minute)"),
        (timedelta(seconds=90), "rate(1 minute)"),
        (timedelta(hours=1), "rate(1 hour)"),
        (timedelta(days=7), "rate(7 days)"),
        (timedelta(days=1, hours=1), "rate(25 hours)"),
    ],
)
def test_rates(every: timedelta, expression: str) -> None:
    assert rate(every) == expression


def test_the_training_job_goes_as_an_image_or_as_a_zip() -> None:
    as_zip, as_image = (json.loads(FILES[f"aws/train-{kind}.json"])["train"] for kind in ("zip", "image"))
    assert as_zip["package"]["artifact"].endswith("train.zip")
    assert "package" not in as_image
    assert as_image["image"]["command"] == [as_zip["handler"]]


@pytest.mark.parametrize("name", [name for name, declared in declarations().items() if declared.kind != "event"])
def test_what_is_called_without_a_queue_has_dead_letters_too(name: str) -> None:
    key = logical(name)[0].lower() + logical(name)[1:]
    function = {**FUNCTIONS, **json.loads(FILES["aws/train-image.json"])}[key]
    assert function["destinations"]["onFailure"]["arn"] == {"Fn::GetAtt": [f"{logical(name)}DeadLetters", "Arn"]}
    assert f"{logical(name)}HasDeadLetters" in of_type("AWS::CloudWatch::Alarm")


def test_drift_has_an_alarm_of_its_own_for_each_model() -> None:
    (counted,) = of_type("AWS::Logs::MetricFilter").values()
    (metric,) = counted["MetricTransformations"]
    alarm = of_type("AWS::CloudWatch::Alarm")["DriftaX2Db"]
    assert (alarm["Namespace"], alarm["MetricName"]) == (metric["MetricNamespace"], metric["MetricName"])
    assert alarm["Dimensions"] == [{"Name": "Model", "Value": "a-b"}]
    assert metric["Dimensions"] == [{"Key": "Model", "Value": "$.model"}]
