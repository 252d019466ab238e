"""Starting jobs on AWS: against moto's services, and against answers that moto does not give."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from moto import mock_aws

from core.adapters import jobs_aws
from core.adapters.jobs import open_jobs
from core.errors import BadInput, Permanent, Transient
from core.ports import JobRunner

ARGUMENTS = {"model": "m", "training": "t"}
NAME = f"flights-delay-{'0' * 16}-1"
ROLE = "arn:aws:iam::123456789012:role/train"
ECS = "ecs://tidemill/train?subnets=subnet-1,subnet-2&security_groups=sg-1&public_ip=ENABLED"
BATCH = "batch://acme-queue/acme-train"
SAGEMAKER = f"sagemaker://tidemill-prod?role={ROLE}&image=acme/train@sha256:ab&output=s3://acme-quarantine/_sagemaker"
MODULES = {"lambda": "jobs_lambda", "ecs": "jobs_ecs", "batch": "jobs_batch", "sagemaker": "jobs_sagemaker"}


def runner(url: str, environ: Mapping[str, str] | None = None) -> JobRunner:
    jobs = open_jobs(url, environ or {})
    assert jobs is not None
    return jobs


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws(config={"batch": {"use_docker": False}}):
        yield


@contextmanager
def stubbed(service: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stubber]:
    """A client that checks what it is called with against the service's own model, and answers as it is told."""
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    with Stubber(boto3.client(service, region_name="us-east-1", **keys)) as stub:
        monkeypatch.setattr(f"core.adapters.{MODULES[service]}.client", lambda name: stub.client)
        yield stub
        stub.assert_no_pending_responses()


def test_no_url_is_no_runner() -> None:
    assert open_jobs("", {}) is None


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("k8s://x", "must begin with one of lambda, ecs, batch, sagemaker"),
        ("ecs://c?subnets=s", "ecs://CLUSTER"),
        ("ecs://c/d", "subnets"),
        ("lambda://", "lambda://FUNCTION"),
        ("batch://queue", "batch://QUEUE/JOB_DEFINITION"),
        ("sagemaker://p?role=r&image=i", "sagemaker://PREFIX"),
        ("sagemaker://p/q?role=r&image=i&output=o", "sagemaker://PREFIX"),
        (f"sagemaker://{'p' * 31}?role=r&image=i&output=o", "30 characters at most"),
        (f"{SAGEMAKER}&volume=big", "volume='big'; it must be a whole number"),
    ],
)
def test_urls_that_cannot_be_are_refused(url: str, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        open_jobs(url, {})


@pytest.mark.parametrize("url", ["lambda://nowhere", ECS, BATCH])
def test_what_is_not_there_is_a_permanent_error(aws: None, url: str) -> None:
    with pytest.raises(Permanent, match="job train cannot be started"):
        runner(url).start("train", NAME, ARGUMENTS)


@pytest.mark.parametrize(
    ("service", "url", "method"),
    [
        ("lambda", "lambda://f", "invoke"),
        ("ecs", ECS, "run_task"),
        ("batch", BATCH, "list_jobs"),
        ("sagemaker", SAGEMAKER, "create_training_job"),
    ],
)
def test_what_may_pass_by_itself_is_tried_again(
    service: str, url: str, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with stubbed(service, monkeypatch) as stub:
        stub.add_client_error(method, "ThrottlingException")
        with pytest.raises(Transient, match="job train cannot be started"):
            runner(url).start("train", NAME, ARGUMENTS)


def test_lambda_is_told_which_job(monkeypatch: pytest.MonkeyPatch) -> None:
    payload = json.dumps({"job": "train", "name": NAME, **ARGUMENTS}).encode()
    expected = {"FunctionName": "acme-train", "InvocationType": "Event", "Payload": payload}
    with stubbed("lambda", monkeypatch) as stub:
        stub.add_response("invoke", {"StatusCode": 202}, expected)
        runner("lambda://acme-train").start("train", NAME, ARGUMENTS)


def task(cluster: str) -> dict[str, Any]:
    """What ECS is asked for."""
    network = {"subnets": ["subnet-1", "subnet-2"], "securityGroups": ["sg-1"], "assignPublicIp": "ENABLED"}
    return {
        "cluster": cluster,
        "taskDefinition": "train",
        "launchType": "FARGATE",
        "clientToken": jobs_aws.token(f"{cluster}/{NAME}"),
        "startedBy": jobs_aws.token(NAME),
        "networkConfiguration": {"awsvpcConfiguration": network},
        "overrides": {"containerOverrides": [{"name": "train", "command": ["-m", "functions.train", "m", "t"]}]},
    }


def test_ecs_is_told_which_job_and_by_which_name(monkeypatch: pytest.MonkeyPatch) -> None:
    with stubbed("ecs", monkeypatch) as stub:
        stub.add_response("run_task", {"failures": []}, task("tidemill"))
        stub.add_client_error("run_task", "ConflictException", expected_params=task("tidemill"))
        runner(ECS).start("train", NAME, ARGUMENTS)
        runner(ECS).start("train", NAME, ARGUMENTS)
    assert task("tidemill")["clientToken"] != task("other")["clientToken"]


def test_a_task_without_a_place_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with stubbed("ecs", monkeypatch) as stub:
        stub.add_response("run_task", {"failures": [{"reason": "RESOURCE:MEMORY"}]})
        with pytest.raises(Transient, match="RESOURCE:MEMORY"):
            runner(ECS).start("train", NAME, ARGUMENTS)


def test_ecs_runs_a_task_of_the_definition(aws: None) -> None:
    ecs, ec2 = boto3.client("ecs"), boto3.client("ec2")
    subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    ecs.create_cluster(clusterName="tidemill")
    container = {"name": "train", "image": "i", "memory": 512}
    fargate = {"requiresCompatibilities": ["FARGATE"], "networkMode": "awsvpc", "cpu": "256", "memory": "512"}
    definition = ecs.register_task_definition(family="train", containerDefinitions=[container], **fargate)
    arn = definition["taskDefinition"]["taskDefinitionArn"]
    runner(f"ecs://tidemill/{arn}?subnets={subnet}").start("train", NAME, ARGUMENTS)
    (found,) = ecs.list_tasks(cluster="tidemill", startedBy=jobs_aws.token(NAME))["taskArns"]
    (running,) = ecs.describe_tasks(cluster="tidemill", tasks=[found])["tasks"]
    assert running["taskDefinitionArn"] == arn
    assert running["overrides"]["containerOverrides"][0]["command"] == ["-m", "functions.train", "m", "t"]


@pytest.fixture
def batch(aws: None) -> Any:
    """Batch with one queue and one definition."""
    batch, iam, ec2 = boto3.client("batch"), boto3.client("iam"), boto3.client("ec2")
    role = iam.create_role(RoleName="r", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    group = ec2.describe_security_groups()["SecurityGroups"][0]["GroupId"]
    resources = {"type": "FARGATE", "maxvCpus": 16, "subnets": [subnet], "securityGroupIds": [group]}
    made = batch.create_compute_environment(
        computeEnvironmentName="acme", type="MANAGED", computeResources=resources, serviceRole=role
    )
    order = [{"order": 1, "computeEnvironment": made["computeEnvironmentArn"]}]
    batch.create_job_queue(jobQueueName="acme-queue", state="ENABLED", priority=1, computeEnvironmentOrder=order)
    needs = [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "2048"}]
    batch.register_job_definition(
        jobDefinitionName="acme-train",
        type="container",
        platformCapabilities=["FARGATE"],
        containerProperties={"image": "i", "executionRoleArn": role, "resourceRequirements": needs},
    )
    return batch


def test_batch_submits_a_job_of_one_name_once(batch: Any) -> None:
    for name in (NAME, NAME, f"{NAME}1"):
        runner(BATCH).start("train", name, ARGUMENTS)
    found = batch.list_jobs(jobQueue="acme-queue", filters=[{"name": "JOB_NAME", "values": ["train-*"]}])
    names = sorted(job["jobName"] for job in found["jobSummaryList"])
    assert names == sorted(f"train-{jobs_aws.token(name)}" for name in (NAME, f"{NAME}1"))


def test_batch_is_told_which_job(monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"train-{jobs_aws.token(NAME)}"
    asked = {"jobQueue": "acme-queue", "filters": [{"name": "JOB_NAME", "values": [name]}]}
    submitted = {
        "jobName": name,
        "jobQueue": "acme-queue",
        "jobDefinition": "acme-train",
        "containerOverrides": {"command": ["-m", "functions.train", "m", "t"]},
    }
    with stubbed("batch", monkeypatch) as stub:
        stub.add_response("list_jobs", {"jobSummaryList": []}, asked)
        stub.add_response("submit_job", {"jobName": name, "jobId": "1"}, submitted)
        runner(BATCH).start("train", NAME, ARGUMENTS)


def test_sagemaker_makes_a_training_job(aws: None) -> None:
    runner(SAGEMAKER).start("train", NAME, ARGUMENTS)
    job = boto3.client("sagemaker").describe_training_job(TrainingJobName=f"tidemill-prod-{jobs_aws.token(NAME)}")
    assert job["RoleArn"] == ROLE


def test_sagemaker_is_told_everything_of_the_job(monkeypatch: pytest.MonkeyPatch) -> None:
    environ = {"TIDEMILL_STORE": "s3://acme-{zone}", "TIDEMILL_SPECS": "models", "TIDEMILL_JOBS": "…"}
    expected = {
        "TrainingJobName": f"tidemill-prod-{jobs_aws.token(NAME)}",
        "RoleArn": ROLE,
        "AlgorithmSpecification": {
            "TrainingImage": "acme/train@sha256:ab",
            "TrainingInputMode": "File",
            "ContainerEntrypoint": ["python"],
            "ContainerArguments": ["-m", "functions.train", "m", "t"],
        },
        "OutputDataConfig": {"S3OutputPath": "s3://acme-quarantine/_sagemaker"},
        "ResourceConfig": {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 10},
        "StoppingCondition": {"MaxRuntimeInSeconds": 60},
        "Environment": {"TIDEMILL_STORE": "s3://acme-{zone}", "TIDEMILL_SPECS": "models"},
        "VpcConfig": {"Subnets": ["subnet-1"], "SecurityGroupIds": ["sg-1"]},
    }
    url = f"{SAGEMAKER}&subnets=subnet-1&security_groups=sg-1&instance=ml.m5.xlarge&seconds=60"
    with stubbed("sagemaker", monkeypatch) as stub:
        stub.add_response("create_training_job", {"TrainingJobArn": f"arn:aws:sagemaker:{'x' * 9}"}, expected)
        runner(url, environ).start("train", NAME, ARGUMENTS)


def test_a_training_job_of_that_name_is_the_job(monkeypatch: pytest.MonkeyPatch) -> None:
    with stubbed("sagemaker", monkeypatch) as stub:
        stub.add_client_error("create_training_job", "ResourceInUse")
        runner(SAGEMAKER).start("train", NAME, ARGUMENTS)
