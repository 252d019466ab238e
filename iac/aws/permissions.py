"""What each function may do: the actions of its declared verbs, on its zones, and nothing more.

Actions: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from core.declaration import Declaration, Verb
from core.layout import Zone

from . import encryption, names, network
from .names import TOPIC, Json, allow, arn, bucket_id, logical, policy, ref, resource_name

OBJECT_ACTIONS: Mapping[Verb, str] = {
    "read": "s3:GetObject",
    "create": "s3:PutObject",
    "replace": "s3:PutObject",
}
BUCKET_ACTIONS: Mapping[Verb, str] = {
    "read": "s3:ListBucket",  # without it a missing object is answered with 403 instead of 404
    "list": "s3:ListBucket",
}

STARTS = "${self:custom.jobs.start}"
"""What starting a job needs depends on who runs jobs: iac/rendered/aws/jobs-*.json."""


def role(declared: Declaration) -> Json:
    """The function's own role."""
    policies = [policy("declared", list(statements(declared))), network.grants(), encryption.grants()]
    if declared.starts:
        policies.append(policy("starts", STARTS))  # type: ignore[arg-type]  # osls puts the list there
    return names.role(declared.name, "lambda.amazonaws.com", policies)


def statements(declared: Declaration) -> Iterable[Json]:
    """Everything that the function is granted as a Lambda function, but for what the job runner needs."""
    yield from on_zones(declared)
    yield _logs(declared)
    dead = arn(f"{logical(declared.name)}DeadLetters")
    if declared.is_queued:
        own = arn(f"{logical(declared.name)}Queue")
        actions = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]
        yield allow("Queue", [*actions, "sqs:SendMessage"] if declared.goes_on else actions, own)
    yield allow("DeadLetters", ["sqs:SendMessage"], dead)
    if declared.publishes:
        yield allow("Alerts", ["sns:Publish"], ref(TOPIC))


def on_zones(declared: Declaration) -> Iterable[Json]:
    """What is declared, wherever the function runs."""
    for zone, verbs in declared.zones.items():
        yield from _of_zone(zone, verbs)


def _of_zone(zone: Zone, verbs: Sequence[Verb]) -> Iterable[Json]:
    bucket = arn(bucket_id(zone))
    on_objects = sorted({OBJECT_ACTIONS[verb] for verb in verbs if verb in OBJECT_ACTIONS})
    on_bucket = sorted({BUCKET_ACTIONS[verb] for verb in verbs if verb in BUCKET_ACTIONS})
    if on_objects:
        yield allow(f"{logical(zone)}Objects", on_objects, {"Fn::Join": ["", [bucket, "/*"]]})
    if on_bucket:
        yield allow(f"{logical(zone)}Bucket", on_bucket, bucket)


def _logs(declared: Declaration) -> Json:
    group = f"log-group:/aws/lambda/{resource_name(declared.name)}"
    place = "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}"
    return allow("Logs", ["logs:CreateLogStream", "logs:PutLogEvents"], {"Fn::Sub": f"{place}:{group}:*"})


def role_id(name: str) -> str:
    """The logical id of a function's role."""
    return f"{logical(name)}Role"
