"""What the job's container needs wherever it runs: its roles, its log, and dead letters for those that failed."""

from __future__ import annotations

from core.declaration import Declaration

from .. import encryption
from ..functions import environment
from ..names import Json, allow, arn, logical, policy, ref, resource_name, role
from ..permissions import on_zones

IMAGE = "${param:image}"
SUBNETS, SECURITY_GROUPS = "${param:jobSubnets}", "${param:jobSecurityGroups}"
PUBLIC_IP = "${param:jobPublicIp}"
TASKS = "ecs-tasks.amazonaws.com"
REPOSITORY = "arn:${AWS::Partition}:ecr:${AWS::Region}:${AWS::AccountId}:repository/${param:repository}"
PULL = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]

FARGATE = ((1024, 2), (2048, 4), (4096, 8), (8192, 16), (16384, 32))
"""CPU units, and the least memory in GiB that Fargate gives beside them:
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-cpu-memory-error.html"""


def cpu_units(job: Declaration) -> int:
    """As much of a processor as Fargate has for the job's memory.

    >>> from core.declaration import declarations
    >>> cpu_units(declarations()["train"])
    2048
    """
    return max((units for units, least in FARGATE if least * 1024 <= job.memory), default=512)


def roles(job: Declaration, *, guarded: bool) -> Json:
    """The job's own role, with what is declared, and the one that fetches its image and writes its log."""
    name = logical(job.name)
    own = [policy("declared", list(on_zones(job))), encryption.grants()]
    around = [policy("around", [*pull(), _logs(job)])]
    return {
        f"{name}Role": role(job.name, TASKS, own, guarded=guarded),
        f"{name}ExecutionRole": role(f"{job.name}-execution", TASKS, around),
    }


def pull() -> list[Json]:
    """What fetching the image takes. A token is for all of a registry, and has no name."""
    return [allow("Enter", ["ecr:GetAuthorizationToken"], "*"), allow("Pull", PULL, {"Fn::Sub": REPOSITORY})]


def log(job: Declaration) -> Json:
    """The job's log group."""
    properties = {
        "LogGroupName": _log_name(job),
        "RetentionInDays": "${param:logDays}",
        **encryption.of_logs(),
    }
    return {f"{logical(job.name)}LogGroup": {"Type": "AWS::Logs::LogGroup", "Properties": properties}}


def log_configuration(job: Declaration) -> Json:
    """Where a container's output goes."""
    options = {
        "awslogs-group": ref(f"{logical(job.name)}LogGroup"),
        "awslogs-region": ref("AWS::Region"),
        "awslogs-stream-prefix": job.name,
    }
    return {"LogDriver": "awslogs", "Options": options}


def variables(job: Declaration) -> list[Json]:
    """The environment, as containers are told."""
    return [{"Name": name, "Value": value} for name, value in environment(job).items()]


def failures(job: Declaration, source: str, kind: str, detail: Json) -> Json:
    """Jobs that failed become dead letters, as EventBridge tells of them."""
    pattern = {"source": [source], "detail-type": [kind], "detail": detail}
    target = {"Id": "dead-letters", "Arn": arn(f"{logical(job.name)}DeadLetters")}
    rule = {"Type": "AWS::Events::Rule", "Properties": {"EventPattern": pattern, "Targets": [target]}}
    return {f"{logical(job.name)}Failed": rule}


def joined(*parts: str | Json) -> Json:
    """One text of several."""
    return {"Fn::Join": ["", list(parts)]}


def _logs(job: Declaration) -> Json:
    streams = f"arn:${{AWS::Partition}}:logs:${{AWS::Region}}:${{AWS::AccountId}}:log-group:{_log_name(job)}:*"
    return allow("Logs", ["logs:CreateLogStream", "logs:PutLogEvents"], {"Fn::Sub": streams})


def _log_name(job: Declaration) -> str:
    return f"/tidemill/{resource_name(job.name)}"
