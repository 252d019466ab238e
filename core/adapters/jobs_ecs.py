"""Jobs as tasks of Amazon ECS on Fargate.

TIDEMILL_JOBS=ecs://CLUSTER/TASK_DEFINITION?subnets=subnet-1,subnet-2&security_groups=sg-1&container=train
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import SplitResult

from ..errors import Transient
from .jobs_aws import client, command, options, token, translated

FORM = "ecs://CLUSTER/TASK_DEFINITION?subnets=…"


@dataclass(frozen=True, slots=True)
class EcsJobs:
    """Runs a task of `definition` whose `container` is told which job to do.

    The name is the call's token, so ECS starts one task of a name however often it is asked within a day:
    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/ECS_Idempotency.html
    The cluster is part of it, since two stages may train the same model on the same data. `public_ip` is ENABLED in
    subnets that reach the image's registry through an internet gateway.
    """

    cluster: str
    definition: str
    container: str
    subnets: Sequence[str]
    security_groups: Sequence[str]
    public_ip: str = "DISABLED"

    def start(self, job: str, name: str, arguments: Mapping[str, str]) -> None:
        """Start the job; raises Permanent or Transient."""
        answer: Mapping[str, list[dict[str, str]]] = {}
        with translated(job, started="ConflictException"):  # the token was used, by an earlier release of the task
            answer = client("ecs").run_task(
                cluster=self.cluster,
                taskDefinition=self.definition,
                launchType="FARGATE",
                clientToken=token(f"{self.cluster}/{name}"),
                startedBy=token(name),
                networkConfiguration={"awsvpcConfiguration": self._network},
                overrides={"containerOverrides": [{"name": self.container, "command": command(job, arguments)}]},
            )
        for failure in answer.get("failures", ()):
            raise Transient(f"job {job} cannot be started: {failure.get('reason', 'ECS gave no reason')}.")

    @property
    def _network(self) -> Mapping[str, object]:
        return {
            "subnets": list(self.subnets),
            "securityGroups": list(self.security_groups),
            "assignPublicIp": self.public_ip,
        }


def open_ecs(url: SplitResult, environ: Mapping[str, str]) -> EcsJobs:  # noqa: ARG001 - every factory has one signature
    """The runner of ecs://CLUSTER/TASK_DEFINITION?…; raises BadInput if the subnets are missing."""
    asked = options(url, FORM, path=True, needed=["subnets"])
    return EcsJobs(
        cluster=url.netloc,
        definition=url.path.strip("/"),
        container=asked.get("container", "train"),
        subnets=asked["subnets"].split(","),
        security_groups=[each for each in asked.get("security_groups", "").split(",") if each],
        public_ip=asked.get("public_ip", "DISABLED"),
    )
