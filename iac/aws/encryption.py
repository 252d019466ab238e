"""Encryption at rest: by each service's own keys, or by one of yours, `--param=kmsKey=ARN`.

https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html#customer-cmk
"""

from __future__ import annotations

from .names import Json, allow, policy, ref

HAS_KEY = "HasKey"
KEY = "${param:kmsKey, 'arn:aws:kms:us-east-1:000000000000:key/00000000-0000-0000-0000-000000000000'}"
"""Yours. The other one stands where nothing is done with it, and looks like a key, which linters want."""

NOTHING = ref("AWS::NoValue")


def with_key(value: object, otherwise: object = NOTHING) -> Json:
    """`value` where there is a key of yours."""
    return {"Fn::If": [HAS_KEY, value, otherwise]}


def of_bucket() -> Json:
    """S3 asks KMS once for many objects (bucket keys)."""
    own = {
        "ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": KEY},
        "BucketKeyEnabled": True,
    }
    theirs = {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    return {"ServerSideEncryptionConfiguration": [with_key(own, theirs)]}


def of_queue() -> Json:
    """Properties of a queue."""
    return {"SqsManagedSseEnabled": with_key(NOTHING, True), "KmsMasterKeyId": with_key(KEY)}  # noqa: FBT003 - a value


def of_topic() -> Json:
    """Properties of a topic. SNS has no key that CloudWatch's alarms may use, so only yours is one."""
    return {"KmsMasterKeyId": with_key(KEY)}


def of_logs() -> Json:
    """Properties of a log group."""
    return {"KmsKeyId": with_key(KEY)}


def grants() -> Json:
    """What a role is granted on the key, if there is one."""
    statement = allow("Key", ["kms:Decrypt", "kms:GenerateDataKey"], KEY)
    return with_key(policy("key", [statement]))
