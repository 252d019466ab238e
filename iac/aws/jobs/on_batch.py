"""The job in a queue of AWS Batch, on Fargate: it waits for its turn, and is tried again when that may help."""

from __future__ import annotations

from core.declaration import Declaration
from core.hosts.job import TEMPORARY_FAILURE

from ..names import Json, allow, logical, ref, resource_name
from ..network import listed
from . import containers
from .containers import PUBLIC_IP, SECURITY_GROUPS, SUBNETS

ENVIRONMENT, QUEUE, DEFINITION = "JobsEnvironment", "JobsQueue", "Definition"
ATTEMPTS = 3
AT_ONCE = 5
CPU_UNITS = 1024


def jobs(job: Declaration) -> Json:
    """A place without machines, a queue before it, and the job's definition."""
    queue, definition = resource_name("jobs"), resource_name(job.name)
    batch = "arn:${AWS::Partition}:batch:${AWS::Region}:${AWS::AccountId}"
    submitted = [{"Fn::Sub": f"{batch}:{kind}"} for kind in (f"job-queue/{queue}", f"job-definition/{definition}*")]
    return {
        "url": f"batch://{queue}/{definition}",
        "start": [
            allow("Start", ["batch:SubmitJob"], *submitted),
            allow("Look", ["batch:ListJobs"], "*"),  # Batch lets nobody list one queue alone
        ],
        "functions": {},
        "resources": {
            "Resources": {
                ENVIRONMENT: _environment(job),
                QUEUE: _queue(queue),
                f"{logical(job.name)}{DEFINITION}": _definition(job, definition),
                **containers.roles(job, guarded=False),
                **containers.log(job),
                **containers.failures(
                    job,
                    *("aws.batch", "Batch Job State Change"),
                    {"jobQueue": [ref(QUEUE)], "status": ["FAILED"]},
                ),
            }
        },
    }


def _environment(job: Declaration) -> Json:
    place = {
        "Type": "FARGATE",
        "MaxvCpus": AT_ONCE * containers.cpu_units(job) // CPU_UNITS,
        "Subnets": listed(SUBNETS),
        "SecurityGroupIds": listed(SECURITY_GROUPS),
    }
    properties = {"Type": "MANAGED", "State": "ENABLED", "ComputeResources": place}
    return {"Type": "AWS::Batch::ComputeEnvironment", "Properties": properties}


def _queue(name: str) -> Json:
    order = [{"Order": 1, "ComputeEnvironment": ref(ENVIRONMENT)}]
    properties = {"JobQueueName": name, "State": "ENABLED", "Priority": 1, "ComputeEnvironmentOrder": order}
    return {"Type": "AWS::Batch::JobQueue", "Properties": properties}


def _definition(job: Declaration, name: str) -> Json:
    logical_name = logical(job.name)
    again = [{"OnExitCode": str(TEMPORARY_FAILURE), "Action": "RETRY"}, {"OnExitCode": "*", "Action": "EXIT"}]
    needs = {"VCPU": f"{containers.cpu_units(job) // CPU_UNITS}", "MEMORY": str(job.memory)}
    scratch = [{"ContainerPath": "/tmp", "SourceVolume": "scratch", "ReadOnly": False}]  # noqa: S108 - in there
    container = {
        "Image": containers.IMAGE,
        "Command": ["-m", f"functions.{job.name}"],
        "Environment": containers.variables(job),
        "JobRoleArn": {"Fn::GetAtt": [f"{logical_name}Role", "Arn"]},
        "ExecutionRoleArn": {"Fn::GetAtt": [f"{logical_name}ExecutionRole", "Arn"]},
        "ResourceRequirements": [{"Type": kind, "Value": value} for kind, value in needs.items()],
        "NetworkConfiguration": {"AssignPublicIp": PUBLIC_IP},
        "LogConfiguration": containers.log_configuration(job),
        "ReadonlyRootFilesystem": True,
        "MountPoints": scratch,
        "Volumes": [{"Name": "scratch"}],
    }
    properties = {
        "JobDefinitionName": name,
        "Type": "container",
        "PlatformCapabilities": ["FARGATE"],
        "ContainerProperties": container,
        "RetryStrategy": {"Attempts": ATTEMPTS, "EvaluateOnExit": again},
        "Timeout": {"AttemptDurationSeconds": job.timeout},
    }
    return {"Type": "AWS::Batch::JobDefinition", "Properties": properties}
