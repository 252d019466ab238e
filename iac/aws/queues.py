"""How events reach a function: S3 and the clock -> EventBridge -> a queue of its own -> Lambda; what is given up."""

from __future__ import annotations

import re

from core.declaration import Declaration, Trigger
from core.events.aws import ATTEMPTS

from . import encryption
from .names import TLS_ONLY, Json, arn, bucket_name, logical, ref, resource_name

LONGEST_VISIBILITY = 43_200
VISIBILITY_PER_TIMEOUT = 6
"""https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html"""

TWO_WEEKS = 14 * 24 * 3600


def queues(declared: Declaration) -> Json:
    """The function's queue, its dead letters, and the rules that fill the queue with what was declared."""
    name = logical(declared.name)
    rules = {f"{name}Rule{number}": _rule(declared, trigger) for number, trigger in enumerate(declared.triggers, 1)}
    return {
        **dead_letters(declared),
        f"{name}Queue": {
            "Type": "AWS::SQS::Queue",
            "Properties": {
                "QueueName": resource_name(declared.name),
                **encryption.of_queue(),
                "MessageRetentionPeriod": TWO_WEEKS,
                "VisibilityTimeout": min(VISIBILITY_PER_TIMEOUT * declared.timeout, LONGEST_VISIBILITY),
                "RedrivePolicy": {"deadLetterTargetArn": arn(f"{name}DeadLetters"), "maxReceiveCount": ATTEMPTS},
            },
        },
        f"{name}QueuePolicy": _policy(f"{name}Queue"),
        **rules,
    }


def dead_letters(declared: Declaration) -> Json:
    """The queue of what the function could not do."""
    name = f"{logical(declared.name)}DeadLetters"
    properties = {
        "QueueName": resource_name(f"{declared.name}-dead-letters"),
        **encryption.of_queue(),
        "MessageRetentionPeriod": TWO_WEEKS,
    }
    return {name: {"Type": "AWS::SQS::Queue", "Properties": properties}, f"{name}Policy": _policy(name)}


def target(declared: Declaration) -> Json:
    """The function's queue as the target of a rule; what cannot be delivered becomes a dead letter."""
    name = logical(declared.name)
    return {
        "Id": "queue",
        "Arn": arn(f"{name}Queue"),
        "DeadLetterConfig": {"Arn": arn(f"{name}DeadLetters")},
    }


def _rule(declared: Declaration, trigger: Trigger) -> Json:
    keys = [{"wildcard": re.sub(r"\*+", "*", pattern)} for pattern in trigger.keys]
    detail = {"bucket": {"name": [bucket_name(trigger.zone)]}, "object": {"key": keys}}
    pattern = {"source": ["aws.s3"], "detail-type": ["Object Created"], "detail": detail}
    return {"Type": "AWS::Events::Rule", "Properties": {"EventPattern": pattern, "Targets": [target(declared)]}}


def _policy(queue: str) -> Json:
    """EventBridge of this account may send; nobody may without TLS."""
    common = {"Action": "sqs:SendMessage", "Resource": arn(queue)}
    own = {"StringEquals": {"aws:SourceAccount": ref("AWS::AccountId")}}
    send = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Condition": own, **common}
    tls = {"Effect": "Deny", "Principal": "*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}, **common}
    document = {"Version": "2012-10-17", "Statement": [send, {"Fn::If": [TLS_ONLY, tls, ref("AWS::NoValue")]}]}
    return {"Type": "AWS::SQS::QueuePolicy", "Properties": {"Queues": [ref(queue)], "PolicyDocument": document}}
