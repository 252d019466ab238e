"""What things are called on AWS. `${sls:…}` is filled in by osls when it packages, `${AWS::…}` by CloudFormation."""

from __future__ import annotations

from typing import Any, TypeAlias

from core.layout import Zone

Json: TypeAlias = dict[str, Any]

STACK = "${self:service}-${sls:stage}"
TLS_ONLY = "TlsOnly"
"""The condition of every policy that refuses what comes without TLS: a cloud on one machine has none."""

TOPIC = "AlertsTopic"
"""What tells people: alarms, and functions that publish."""

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


def lambda_id(name: str) -> str:
    """The logical id that osls gives to a function."""
    return f"{logical(name)}LambdaFunction"


def log_group_id(name: str) -> str:
    """The logical id that osls gives to a function's log."""
    return f"{logical(name)}LogGroup"


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


def role_name(name: str) -> Json:
    """The name of a role: roles are known in every region of an account."""
    return {"Fn::Sub": f"{resource_name(name)}-${{AWS::Region}}"}


def allow(sid: str, actions: list[str], *resources: str | Json) -> Json:
    """A statement of a policy."""
    return {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": list(resources)}


def policy(name: str, statements: list[Json]) -> Json:
    """A policy inside of a role."""
    return {"PolicyName": name, "PolicyDocument": {"Version": "2012-10-17", "Statement": statements}}


def role(name: str, service: str, policies: list[Json], *, guarded: bool = False) -> Json:
    """A role that a service may take on.

    `guarded`: for this account alone. Not every service says for whom it takes on a role: only where it is documented.
    """
    trusted: Json = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    if guarded:
        trusted["Condition"] = {"StringEquals": {"aws:SourceAccount": ref("AWS::AccountId")}}
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "RoleName": role_name(name),
            "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trusted]},
            "Policies": policies,
        },
    }
