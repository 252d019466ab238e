"""Each function as serverless.yml takes it.

Fields: https://www.serverless.com/framework/docs-providers-aws-guide-functions (version 3, which osls continues).
"""

from __future__ import annotations

from typing import Any

from core.declaration import Declaration

from . import encryption, network
from .names import TOPIC, Json, arn, function_key, lambda_id, log_group_id, logical, ref, resource_name, store
from .permissions import role_id

LONGEST_TIMEOUT = 900
ARCHIVES = "${param:packages}"
RESERVES = "Reserves"
"""The condition of concurrency that is kept free for a function: a new account has too little to keep any."""


def functions(declared: Declaration) -> Json:
    """The function by its key."""
    return {function_key(declared.name): {**_common(declared), **_code(declared)}}


def train_image(declared: Declaration) -> Json:
    """The function whose code is a container image; `--param=image=` names it."""
    image = {"uri": "${param:image}", "command": [_handler(declared)]}
    return {function_key(declared.name): {**_common(declared), "image": image}}


def _common(declared: Declaration) -> Json:
    fields: Json = {
        "name": resource_name(declared.name),
        "description": declared.description,
        "role": role_id(declared.name),
        "memorySize": declared.memory,
        "timeout": min(declared.timeout, LONGEST_TIMEOUT),
        "environment": _environment(declared),
        "events": _events(declared),
    }
    if declared.kind == "http":
        fields["url"] = {"authorizer": "aws_iam"}
    if not declared.is_queued:  # whoever calls it without waiting
        fields |= {"maximumRetryAttempts": 2, "destinations": {"onFailure": _destination(declared)}}
    return fields


def extensions(declared: Declaration) -> Json:
    """What the function and its logs get beyond that, by parameters of the deployment."""
    properties: Json = {"KmsKeyArn": encryption.with_key(encryption.KEY), **network.of_function()}
    if not declared.is_queued and declared.concurrency is not None:
        properties["ReservedConcurrentExecutions"] = {"Fn::If": [RESERVES, declared.concurrency, encryption.NOTHING]}
    logs = [log_group_id(declared.name), *(["HttpApiLogGroup"] if declared.kind == "http" else [])]
    encrypted = {"Properties": encryption.of_logs()}
    return {lambda_id(declared.name): {"Properties": properties}, **dict.fromkeys(logs, encrypted)}


def _destination(declared: Declaration) -> Json:
    return {"type": "sqs", "arn": arn(f"{logical(declared.name)}DeadLetters")}


def _code(declared: Declaration) -> Json:
    return {"handler": _handler(declared), "package": {"artifact": f"{ARCHIVES}/{declared.name}.zip"}}


def _handler(declared: Declaration) -> str:
    module = f"functions.{declared.name}.aws" if declared.kind == "http" else "core.hosts.aws_events"
    return f"{module}.handler"


def environment(declared: Declaration) -> Json:
    """What the function has to know wherever it runs."""
    return {"TIDEMILL_STORE": store(), "TIDEMILL_FUNCTION": declared.name, "TIDEMILL_SPECS": "models"}


def _environment(declared: Declaration) -> Json:
    variables = environment(declared)
    if declared.is_queued:
        variables["TIDEMILL_DEAD_LETTERS"] = ref(f"{logical(declared.name)}DeadLetters")
    if declared.goes_on:
        variables["TIDEMILL_QUEUE"] = ref(f"{logical(declared.name)}Queue")
    if declared.starts:
        variables["TIDEMILL_JOBS"] = "${self:custom.jobs.url}"
    if declared.publishes:
        targets = ["sns://", ref(TOPIC), " ${param:webhooks, ''}"]
        variables |= {
            "TIDEMILL_ALERTS": {"Fn::Join": ["", targets]},
            "TIDEMILL_ALERTS_SECRET": "${param:webhookSecrets, ''}",
        }
    if declared.kind == "http":
        variables |= {
            "OPENBLAS_NUM_THREADS": "1",
            "TIDEMILL_PREDICTION_LOG": "${param:log, 'sync'}",
            "TIDEMILL_ACCESS": "${param:access, 'keys'}",
            "TIDEMILL_KEYS": "${param:keys, ''}",
        }
    return variables


def _events(declared: Declaration) -> list[Any]:
    if declared.kind == "http":
        return [{"httpApi": "*"}]
    if not declared.is_queued:
        return []
    queue: Json = {
        "arn": arn(f"{logical(declared.name)}Queue"),
        "batchSize": 1,
        "functionResponseType": "ReportBatchItemFailures",
    }
    if declared.concurrency is not None:
        queue["maximumConcurrency"] = declared.concurrency
    return [{"sqs": queue}]
