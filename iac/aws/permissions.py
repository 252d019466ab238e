"""What each function may do: the actions of its declared verbs, on its zones, and nothing more.

Actions: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from core.declaration import Declaration, Verb
from core.layout import Zone

from .names import Json, arn, bucket_id, function_key, logical, resource_name

OBJECT_ACTIONS: Mapping[Verb, str] = {
    "read": "s3:GetObject",
    "create": "s3:PutObject",
    "replace": "s3:PutObject",
}
BUCKET_ACTIONS: Mapping[Verb, str] = {
    "read": "s3:ListBucket",  # without it a missing object is answered with 403 instead of 404
    "list": "s3:ListBucket",
}


def role(declared: Declaration) -> Json:
    """The function's own role."""
    trusted = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    policy = {"Version": "2012-10-17", "Statement": list(statements(declared))}
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "RoleName": {"Fn::Sub": f"{resource_name(declared.name)}-${{AWS::Region}}"},
            "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trusted]},
            "Policies": [{"PolicyName": "declared", "PolicyDocument": policy}],
        },
    }


def statements(declared: Declaration) -> Iterable[Json]:
    """Everything that the function is granted."""
    for zone, verbs in declared.zones.items():
        yield from _of_zone(zone, verbs)
    yield _logs(declared)
    if declared.is_queued:
        own, dead = arn(f"{logical(declared.name)}Queue"), arn(f"{logical(declared.name)}DeadLetters")
        yield _allow("Queue", ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"], own)
        yield _allow("DeadLetters", ["sqs:SendMessage"], dead)
    elif declared.kind == "job":
        yield _allow("DeadLetters", ["sqs:SendMessage"], arn(f"{logical(declared.name)}DeadLetters"))
    for job in declared.starts:
        yield _allow(f"Start{logical(job)}", ["lambda:InvokeFunction"], _function_arn(job))


def _of_zone(zone: Zone, verbs: Sequence[Verb]) -> Iterable[Json]:
    bucket = arn(bucket_id(zone))
    on_objects = sorted({OBJECT_ACTIONS[verb] for verb in verbs if verb in OBJECT_ACTIONS})
    on_bucket = sorted({BUCKET_ACTIONS[verb] for verb in verbs if verb in BUCKET_ACTIONS})
    if on_objects:
        yield _allow(f"{logical(zone)}Objects", on_objects, {"Fn::Join": ["", [bucket, "/*"]]})
    if on_bucket:
        yield _allow(f"{logical(zone)}Bucket", on_bucket, bucket)


def _logs(declared: Declaration) -> Json:
    group = f"log-group:/aws/lambda/{resource_name(declared.name)}"
    place = "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}"
    return _allow("Logs", ["logs:CreateLogStream", "logs:PutLogEvents"], {"Fn::Sub": f"{place}:{group}:*"})


def _function_arn(name: str) -> Json:
    """By name: a reference would go round in a circle."""
    place = "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}"
    return {"Fn::Sub": f"{place}:function:{resource_name(name)}"}


def _allow(sid: str, actions: list[str], resource: Json) -> Json:
    return {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": [resource]}


def role_id(name: str) -> str:
    """The logical id of a function's role."""
    return f"{logical(name)}Role"


def lambda_id(name: str) -> str:
    """The logical id that osls gives to a function."""
    key = function_key(name)
    return f"{key[0].upper()}{key[1:]}LambdaFunction"
