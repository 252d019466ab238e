"""Each function as serverless.yml takes it.

Fields: https://www.serverless.com/framework/docs-providers-aws-guide-functions (version 3, which osls continues).
"""

from __future__ import annotations

from typing import Any

from core.declaration import Declaration

from .names import Json, arn, function_key, logical, ref, resource_name, store
from .permissions import role_id

LONGEST_TIMEOUT = 900
ARCHIVES = "build/packages"


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
    if declared.kind == "job":
        fields |= {"maximumRetryAttempts": 2, "destinations": {"onFailure": _destination(declared)}}
    return fields


def _destination(declared: Declaration) -> Json:
    return {"type": "sqs", "arn": arn(f"{logical(declared.name)}DeadLetters")}


def _code(declared: Declaration) -> Json:
    return {"handler": _handler(declared), "package": {"artifact": f"{ARCHIVES}/{declared.name}.zip"}}


def _handler(declared: Declaration) -> str:
    module = f"functions.{declared.name}.aws" if declared.kind == "http" else "core.hosts.aws_events"
    return f"{module}.handler"


def _environment(declared: Declaration) -> Json:
    variables: Json = {"TIDEMILL_STORE": store(), "TIDEMILL_FUNCTION": declared.name, "TIDEMILL_SPECS": "models"}
    if declared.is_queued:
        variables["TIDEMILL_DEAD_LETTERS"] = ref(f"{logical(declared.name)}DeadLetters")
    for job in declared.starts:
        variables["TIDEMILL_JOBS"] = f"lambda://{resource_name(job)}"
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
