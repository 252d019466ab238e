"""A network of yours for the functions: `--param=vpcSubnets=subnet-…,subnet-… --param=vpcSecurityGroups=sg-…`.

https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html
"""

from __future__ import annotations

from .names import Json, allow, policy, ref

IN_VPC = "InVpc"
SUBNETS, SECURITY_GROUPS = "${param:vpcSubnets, 'subnet-00000000'}", "${param:vpcSecurityGroups, 'sg-00000000'}"
"""Yours. The others stand where nothing is done with them, and look like some, which linters want."""

EC2 = "arn:${AWS::Partition}:ec2:${AWS::Region}:${AWS::AccountId}"


def of_function() -> Json:
    """Properties of a function."""
    place = {"SubnetIds": listed(SUBNETS), "SecurityGroupIds": listed(SECURITY_GROUPS)}
    return {"VpcConfig": {"Fn::If": [IN_VPC, place, ref("AWS::NoValue")]}}


def grants() -> Json:
    """What a role needs so that Lambda can put the function into the network.

    EC2 lets nobody describe one thing alone, and interfaces have no names before Lambda makes them.
    """
    interfaces = {"Fn::Sub": f"{EC2}:network-interface/*"}
    seen = ["ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets"]
    used = ["ec2:AssignPrivateIpAddresses", "ec2:DeleteNetworkInterface", "ec2:UnassignPrivateIpAddresses"]
    make = ["ec2:CreateNetworkInterface"]
    statements = [
        allow("See", seen, "*"),
        allow("Use", used + make, interfaces),
        {**allow("MakeInSubnets", make), "Resource": _arns("subnet", SUBNETS)},
        {**allow("MakeWithGroups", make), "Resource": _arns("security-group", SECURITY_GROUPS)},
    ]
    return {"Fn::If": [IN_VPC, policy("network", statements), ref("AWS::NoValue")]}


def listed(text: str | Json) -> Json:
    """A list that is written with commas."""
    return {"Fn::Split": [",", text]}


def _arns(kind: str, ids: str) -> Json:
    """The ARN of each of the ids that are written with commas. They are unique in every account.

    The account cannot be told: what stands between the parts of a `Fn::Join` must be a plain text.
    """
    start = f"arn:aws:ec2:${{self:provider.region}}:*:{kind}/"
    return listed({"Fn::Join": ["", [start, {"Fn::Join": [f",{start}", listed(ids)]}]]})
