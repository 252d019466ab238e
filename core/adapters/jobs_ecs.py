"""Jobs as tasks of Amazon ECS on Fargate.

TIDEMILL_JOBS=ecs://CLUSTER/TASK_DEFINITION?subnets=subnet-1,subnet-2&security_groups=sg-1&container=train
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import SplitResult, parse_qs

from ..errors import BadInput, Transient
from .jobs_aws import client, token, translated


@dataclass(frozen=True, slots=True)
class EcsJobs:
    """Runs a task of `definition` whose `container` is told which job to do.

    The name is the call's token, so ECS starts one task of a name however often it is asked within a day:
    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/ECS_Idempotency.html
    """

    cluster: str
    definition: str
    container: str
    subnets: Sequence[str]
    security_groups: Sequence[str]

    def start(self, job: str, name: str, arguments: Mapping[str, str]) -> None:
        """Start the job; raises Permanent or Transient."""
        command = ["-m", f"functions.{job}", *arguments.values()]
        network = {"subnets": list(self.subnets), "securityGroups": list(self.security_groups)}
        with translated(job):
            answer = client("ecs").run_task(
                cluster=self.cluster,
                taskDefinition=self.definition,
                launchType="FARGATE",
                clientToken=token(name),
                startedBy=token(name),
                networkConfiguration={"awsvpcConfiguration": network},
                overrides={"containerOverrides": [{"name": self.container, "command": command}]},
            )
        for failure in answer.get("failures", ()):
            raise Transient(f"job {job} cannot be started: {failure.get('reason', 'ECS gave no reason')}.")


def open_ecs(url: SplitResult, environ: Mapping[str, str]) -> EcsJobs:  # noqa: ARG001 - every factory has one signature
    """The runner of ecs://CLUSTER/TASK_DEFINITION?…; raises BadInput if the subnets are missing."""
    asked = {name: values[0].split(",") for name, values in parse_qs(url.query).items()}
    if not url.netloc or url.path in {"", "/"} or "subnets" not in asked:
        raise BadInput(f"TIDEMILL_JOBS is {url.geturl()!r}; it must be ecs://CLUSTER/TASK_DEFINITION?subnets=….")
    container = asked.get("container", ["train"])[0]
    return EcsJobs(url.netloc, url.path.strip("/"), container, asked["subnets"], asked.get("security_groups", ()))
