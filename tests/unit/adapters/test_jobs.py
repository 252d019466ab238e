"""Starting jobs on AWS: against moto's servers, and what its absence says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from moto import mock_aws

from core.adapters.jobs import open_jobs
from core.adapters.jobs_ecs import EcsJobs
from core.errors import BadInput, Permanent

ARGUMENTS = {"model": "m", "training": "t"}
ECS = "ecs://tidemill/train?subnets=subnet-1,subnet-2&security_groups=sg-1"


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        yield


def test_no_url_is_no_runner() -> None:
    assert open_jobs("", {}) is None


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("k8s://x", "must begin with one of lambda, ecs"),
        ("ecs://c?subnets=s", "ecs://CLUSTER"),
        ("ecs://c/d", "subnets"),
    ],
)
def test_urls_that_cannot_be_are_refused(url: str, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        open_jobs(url, {})


def test_a_function_that_is_not_there_is_a_permanent_error(aws: None) -> None:
    jobs = open_jobs("lambda://nowhere", {})
    assert jobs is not None
    with pytest.raises(Permanent, match="job train cannot be started"):
        jobs.start("train", "n", ARGUMENTS)


def test_lambda_is_told_which_job(aws: None, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[dict[str, Any]] = []
    monkeypatch.setattr("core.adapters.jobs_lambda.client", lambda service: Client(seen))
    jobs = open_jobs("lambda://acme-train", {})
    assert jobs is not None
    jobs.start("train", "n-1", ARGUMENTS)
    (call,) = seen
    assert (call["FunctionName"], call["InvocationType"]) == ("acme-train", "Event")
    assert json.loads(call["Payload"]) == {"job": "train", "name": "n-1", **ARGUMENTS}


class Client:
    def __init__(self, seen: list[dict[str, Any]]) -> None:
        self.seen = seen

    def invoke(self, **arguments: Any) -> dict[str, Any]:
        self.seen.append(arguments)
        return {"StatusCode": 202}

    def run_task(self, **arguments: Any) -> dict[str, Any]:
        self.seen.append(arguments)
        return {"failures": []}


def test_ecs_is_told_which_job_and_by_which_name(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[dict[str, Any]] = []
    monkeypatch.setattr("core.adapters.jobs_ecs.client", lambda service: Client(seen))
    jobs = open_jobs(ECS, {})
    assert isinstance(jobs, EcsJobs)
    jobs.start("train", "n-1", ARGUMENTS)
    jobs.start("train", "n-1", ARGUMENTS)
    first, second = seen
    assert first == second
    assert first["cluster"] == "tidemill"
    assert first["overrides"]["containerOverrides"] == [
        {"name": "train", "command": ["-m", "functions.train", "m", "t"]}
    ]
    assert first["networkConfiguration"]["awsvpcConfiguration"]["subnets"] == ["subnet-1", "subnet-2"]
    assert len(first["clientToken"]) == 32


def test_a_cluster_that_is_not_there_is_a_permanent_error(aws: None) -> None:
    jobs = open_jobs(ECS, {})
    assert jobs is not None
    with pytest.raises(Permanent, match="job train cannot be started"):
        jobs.start("train", "n-1", ARGUMENTS)
