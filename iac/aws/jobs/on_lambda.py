"""The job as a Lambda function, for what is done within its quarter of an hour."""

from __future__ import annotations

from core.declaration import Declaration

from .. import alarms, functions
from ..names import Json, allow, resource_name
from ..permissions import role, role_id

LAMBDA = "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}"


def jobs(job: Declaration) -> Json:
    """The function itself is one of two files, by `--param=train=image|zip`."""
    called = {"Fn::Sub": f"{LAMBDA}:function:{resource_name(job.name)}"}  # a reference would go round in a circle
    return {
        "url": f"lambda://{resource_name(job.name)}",
        "start": [allow("Start", ["lambda:InvokeFunction"], called)],
        "functions": "${file(iac/rendered/aws/train-${param:train}.json)}",
        "resources": {
            "Resources": {role_id(job.name): role(job), **alarms.alarms(job)},
            "extensions": functions.extensions(job),
        },
    }
