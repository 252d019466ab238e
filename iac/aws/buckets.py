"""A bucket a zone: encrypted, versioned, closed to the public, TLS only, and kept when the stack is deleted."""

from __future__ import annotations

from collections.abc import Collection

from core.layout import ZONES, Zone

from . import encryption
from .names import TLS_ONLY, Json, arn, bucket_id, bucket_name, ref

DAYS_OF_OLD_VERSIONS = 30
DAYS_OF_UNFINISHED_UPLOADS = 7
DAYS_OF_REJECTED_ROWS = 90


def buckets(watched: Collection[Zone]) -> Json:
    """Every zone's bucket with its policy; those of `watched` tell EventBridge of what is written."""
    resources: Json = {}
    for zone in ZONES:
        resources[bucket_id(zone)] = _bucket(zone, tells=zone in watched)
        resources[f"{bucket_id(zone)}Policy"] = _tls_only(zone)
    return resources


def _bucket(zone: Zone, *, tells: bool) -> Json:
    properties: Json = {
        "BucketName": bucket_name(zone),
        "BucketEncryption": encryption.of_bucket(),
        "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
        "PublicAccessBlockConfiguration": {
            "BlockPublicAcls": True,
            "BlockPublicPolicy": True,
            "IgnorePublicAcls": True,
            "RestrictPublicBuckets": True,
        },
        "VersioningConfiguration": {"Status": "Enabled"},
        "LifecycleConfiguration": {"Rules": _lifecycle(zone)},
    }
    if tells:
        properties["NotificationConfiguration"] = {"EventBridgeConfiguration": {"EventBridgeEnabled": True}}
    kept = {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}
    return {"Type": "AWS::S3::Bucket", **kept, "Properties": properties}


def _lifecycle(zone: Zone) -> list[Json]:
    tidy: Json = {
        "Id": "tidy",
        "Status": "Enabled",
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": DAYS_OF_UNFINISHED_UPLOADS},
        "NoncurrentVersionExpiration": {"NoncurrentDays": DAYS_OF_OLD_VERSIONS},
    }
    expire: Json = {"Id": "expire", "Status": "Enabled", "ExpirationInDays": DAYS_OF_REJECTED_ROWS}
    return [tidy, expire] if zone == "quarantine" else [tidy]


def _tls_only(zone: Zone) -> Json:
    bucket = arn(bucket_id(zone))
    statement = {
        "Sid": "TlsOnly",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [bucket, {"Fn::Join": ["", [bucket, "/*"]]}],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    properties = {"Bucket": ref(bucket_id(zone)), "PolicyDocument": policy}
    return {"Type": "AWS::S3::BucketPolicy", "Condition": TLS_ONLY, "Properties": properties}
