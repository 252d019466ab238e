"""Batch scoring of very many files: a state machine that lists them and calls the function for each, so many at once.

Start it with `{"prefix": "MODEL/score/…"}`. A file is scored once however often it is listed, since what is written is
named by what was read; one that nobody can score becomes a dead letter of the function and does not stop the others.

Language: https://states-language.net/spec.html;
Distributed Map: https://docs.aws.amazon.com/step-functions/latest/dg/state-map-distributed.html
"""

from __future__ import annotations

from collections.abc import Iterator

from core import errors
from core.declaration import Declaration
from core.layout import Zone

from . import encryption
from .alarms import alarm
from .names import Json, allow, arn, bucket_id, lambda_id, logical, policy, ref, resource_name, role

MACHINE = "ScoreFiles"
NAME = resource_name("score-files")
LABEL = "Files"
"""The part of a file's own execution's ARN that says which step it belongs to."""

ZONE: Zone = "landing"
RESULTS: Zone = "reports"
FOLDER = "_fan-out"
"""Where Step Functions writes what came of each file. No model can be called that."""

ATTEMPTS = 3
STATES = "arn:${AWS::Partition}:states:${AWS::Region}:${AWS::AccountId}"


def scoring(declared: Declaration) -> Json:
    """The state machine that calls the function, its role and its alarm."""
    properties = {
        "StateMachineName": NAME,
        "RoleArn": arn(f"{MACHINE}Role"),
        "Definition": _definition(declared),
    }
    failed = alarm("score-files fails.", "AWS/States", "ExecutionsFailed", {"StateMachineArn": ref(MACHINE)})
    return {
        MACHINE: {"Type": "AWS::StepFunctions::StateMachine", "Properties": properties},
        f"{MACHINE}Role": role(
            "score-files",
            "states.amazonaws.com",
            [policy("scoring", list(_statements(declared))), encryption.grants()],
            guarded=True,
        ),
        f"{MACHINE}Fails": failed,
    }


def _definition(declared: Declaration) -> Json:
    files: Json = {
        "Type": "Map",
        "Label": LABEL,
        "MaxConcurrency": declared.concurrency,
        "ToleratedFailurePercentage": 100,
        "ItemReader": {
            "Resource": _integration("s3:listObjectsV2"),
            "Parameters": {"Bucket": ref(bucket_id(ZONE)), "Prefix.$": "$.prefix"},
        },
        "ItemSelector": {"zone": ZONE, "key.$": "$$.Map.Item.Value.Key"},
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
            "StartAt": "Score",
            "States": _of_one_file(declared),
        },
        "ResultWriter": {
            "Resource": _integration("s3:putObject"),
            "Parameters": {"Bucket": ref(bucket_id(RESULTS)), "Prefix": FOLDER},
        },
        "End": True,
    }
    return {"Comment": declared.description, "StartAt": LABEL, "States": {LABEL: files}}


def _of_one_file(declared: Declaration) -> Json:
    """The function is called; what it cannot do becomes a dead letter in the form that its queue takes."""
    # whoever runs out of time has come further than the one before
    on = {"ErrorEquals": [errors.TimeUp.__name__], "IntervalSeconds": 1, "MaxAttempts": 1000, "BackoffRate": 1}
    lost = ["States.Timeout", "States.TaskFailed"]
    again = {"ErrorEquals": lost, "IntervalSeconds": 5, "MaxAttempts": ATTEMPTS - 1, "BackoffRate": 4}
    score: Json = {
        "Type": "Task",
        "Resource": _integration("lambda:invoke"),
        "Parameters": {"FunctionName": arn(lambda_id(declared.name)), "Payload.$": "$"},
        "TimeoutSeconds": declared.timeout + 60,
        "Retry": [{"ErrorEquals": _permanent(), "MaxAttempts": 0}, on, again],
        "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.failure", "Next": "Keep"}],
        "ResultSelector": {"status.$": "$.StatusCode"},
        "ResultPath": "$.reply",
        "End": True,
    }
    reason = {"DataType": "String", "StringValue.$": "States.Format('{} {}', $.failure.Error, $.failure.Cause)"}
    keep: Json = {
        "Type": "Task",
        "Resource": _integration("sqs:sendMessage"),
        "Parameters": {
            "QueueUrl": ref(f"{logical(declared.name)}DeadLetters"),
            "MessageBody": {"zone.$": "$.zone", "key.$": "$.key"},
            "MessageAttributes": {
                "reason": reason,
                "function": {"DataType": "String", "StringValue": declared.name},
            },
        },
        "Retry": [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 5, "MaxAttempts": 5, "BackoffRate": 2}],
        "ResultSelector": {"message.$": "$.MessageId"},
        "ResultPath": "$.kept",
        "Next": "Failed",
    }
    failed = {"Type": "Fail", "ErrorPath": "$.failure.Error", "CausePath": "$.failure.Cause"}
    return {"Score": score, "Keep": keep, "Failed": failed}


def _statements(declared: Declaration) -> Iterator[Json]:
    """What Step Functions needs of its own for a Distributed Map, and what its steps do.

    https://docs.aws.amazon.com/step-functions/latest/dg/iam-policies-eg-dist-map.html
    """
    executions = [{"Fn::Sub": f"{STATES}:execution:{name}:*"} for name in (NAME, f"{NAME}/{LABEL}")]
    written = {"Fn::Join": ["", [arn(bucket_id(RESULTS)), f"/{FOLDER}/*"]]}
    parts = ["s3:AbortMultipartUpload", "s3:GetObject", "s3:ListMultipartUploadParts", "s3:PutObject"]
    yield allow("List", ["s3:ListBucket"], arn(bucket_id(ZONE)))
    yield allow("Call", ["lambda:InvokeFunction"], arn(lambda_id(declared.name)))
    yield allow("Keep", ["sqs:SendMessage"], arn(f"{logical(declared.name)}DeadLetters"))
    yield allow("Results", parts, written)
    yield allow("Start", ["states:StartExecution"], {"Fn::Sub": f"{STATES}:stateMachine:{NAME}"})
    yield allow("Follow", ["states:DescribeExecution", "states:StopExecution"], *executions)


def _integration(action: str) -> Json:
    return {"Fn::Sub": f"arn:${{AWS::Partition}}:states:::{action}"}


def _permanent() -> list[str]:
    """The errors that stay, as Lambda tells of them: by the names of their classes."""
    classes = [each for each in vars(errors).values() if isinstance(each, type)]
    return sorted(each.__name__ for each in classes if issubclass(each, errors.Permanent))
