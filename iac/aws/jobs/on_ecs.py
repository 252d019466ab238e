"""The job as a task of ECS on Fargate."""

from __future__ import annotations

from core.declaration import Declaration

from ..names import STACK, Json, allow, arn, logical, ref, resource_name
from . import containers
from .containers import PUBLIC_IP, SECURITY_GROUPS, SUBNETS, joined

CLUSTER, TASK = "JobsCluster", "Task"


def jobs(job: Declaration) -> Json:
    """A cluster without machines, and the job's task."""
    name = logical(job.name)
    task = ref(f"{name}{TASK}")
    where = f"?subnets={SUBNETS}&security_groups={SECURITY_GROUPS}&public_ip={PUBLIC_IP}&container={job.name}"
    passed = allow("Pass", ["iam:PassRole"], arn(f"{name}Role"), arn(f"{name}ExecutionRole"))
    passed["Condition"] = {"StringEquals": {"iam:PassedToService": containers.TASKS}}
    stopped = {"clusterArn": [arn(CLUSTER)], "lastStatus": ["STOPPED"]}
    return {
        "url": joined(f"ecs://{STACK}/", task, where),
        "start": [allow("Start", ["ecs:RunTask"], task), passed],
        "functions": {},
        "resources": {
            "Resources": {
                CLUSTER: {"Type": "AWS::ECS::Cluster", "Properties": {"ClusterName": STACK}},
                f"{name}{TASK}": _task(job),
                **containers.roles(job, guarded=True),
                **containers.log(job),
                **containers.failures(
                    job,
                    *("aws.ecs", "ECS Task State Change"),
                    {**stopped, "containers": {"exitCode": [{"anything-but": [0]}]}},
                ),
            }
        },
    }


def _task(job: Declaration) -> Json:
    name = logical(job.name)
    container = {
        "Name": job.name,
        "Image": containers.IMAGE,
        "Essential": True,
        "EntryPoint": ["python"],
        "Command": ["-m", f"functions.{job.name}"],
        "Environment": containers.variables(job),
        "LogConfiguration": containers.log_configuration(job),
        "ReadonlyRootFilesystem": True,
        "MountPoints": [{"ContainerPath": "/tmp", "SourceVolume": "scratch", "ReadOnly": False}],  # noqa: S108 - in there
    }
    properties = {
        "Family": resource_name(job.name),
        "RequiresCompatibilities": ["FARGATE"],
        "NetworkMode": "awsvpc",
        "Cpu": str(containers.cpu_units(job)),
        "Memory": str(job.memory),
        "TaskRoleArn": arn(f"{name}Role"),
        "ExecutionRoleArn": arn(f"{name}ExecutionRole"),
        "ContainerDefinitions": [container],
        "Volumes": [{"Name": "scratch"}],
    }
    return {"Type": "AWS::ECS::TaskDefinition", "Properties": properties}
