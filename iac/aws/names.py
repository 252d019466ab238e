"""What things are called on AWS. `${sls:…}` is filled in by osls when it packages, `${AWS::…}` by CloudFormation."""

from __future__ import annotations

from typing import Any, TypeAlias

from core.layout import Zone

Json: TypeAlias = dict[str, Any]

STACK = "${self:service}-${sls:stage}"
TLS_ONLY = "TlsOnly"
"""The condition of every policy that refuses what comes without TLS: a cloud on one machine has none."""

PLACE = "${AWS::AccountId}-${AWS::Region}"


def logical(name: str) -> str:
    """A name as CloudFormation's logical ids want it.

    >>> logical("drift_check")
    'DriftCheck'
    """
    return "".join(part.capitalize() for part in name.replace("-", "_").split("_"))


def function_key(name: str) -> str:
    """A function's key in serverless.yml.

    >>> function_key("drift_check")
    'driftCheck'
    """
    whole = logical(name)
    return whole[0].lower() + whole[1:]


def resource_name(name: str) -> str:
    """A name that is unique in its account and region: service, stage, thing."""
    return f"{STACK}-{name.replace('_', '-')}"


def store() -> Json:
    """TIDEMILL_STORE. Bucket names are unique in the world, so they carry account and region."""
    return {"Fn::Sub": f"s3://{STACK}-{PLACE}-{{zone}}"}


def bucket_name(zone: Zone) -> Json:
    """The name of a zone's bucket."""
    return {"Fn::Sub": f"{STACK}-{PLACE}-{zone}"}


def bucket_id(zone: Zone) -> str:
    """The logical id of a zone's bucket."""
    return f"{logical(zone)}Bucket"


def arn(logical_id: str) -> Json:
    """The ARN of another resource of the stack."""
    return {"Fn::GetAtt": [logical_id, "Arn"]}


def ref(logical_id: str) -> Json:
    """A reference to another resource of the stack."""
    return {"Ref": logical_id}
