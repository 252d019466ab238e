"""Jobs in a queue of AWS Batch: TIDEMILL_JOBS=batch://QUEUE/JOB_DEFINITION."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult

from .jobs_aws import client, command, options, token, translated

FORM = "batch://QUEUE/JOB_DEFINITION"


@dataclass(frozen=True, slots=True)
class BatchJobs:
    """Submits a job of `definition` to `queue`, unless the queue knows one of that name, whatever became of it.

    Batch itself knows no idempotency: of two that look at the same moment both submit, and the second job finds the
    work of the first done. It forgets jobs a week after they ended.
    https://docs.aws.amazon.com/batch/latest/APIReference/API_ListJobs.html
    """

    queue: str
    definition: str

    def start(self, job: str, name: str, arguments: Mapping[str, str]) -> None:
        """Start the job; raises Permanent or Transient."""
        batch, job_name = client("batch"), f"{job}-{token(name)}"
        with translated(job):
            if self._knows(batch, job_name):
                return
            batch.submit_job(
                jobName=job_name,
                jobQueue=self.queue,
                jobDefinition=self.definition,
                containerOverrides={"command": command(job, arguments)},
            )

    def _knows(self, batch: Any, job_name: str) -> bool:  # noqa: ANN401 - boto3's
        filters = [{"name": "JOB_NAME", "values": [job_name]}]
        return bool(batch.list_jobs(jobQueue=self.queue, filters=filters)["jobSummaryList"])


def open_batch(url: SplitResult, environ: Mapping[str, str]) -> BatchJobs:  # noqa: ARG001 - every factory has one signature
    """The runner of batch://QUEUE/JOB_DEFINITION; raises BadInput if one of them is missing."""
    options(url, FORM, path=True)
    return BatchJobs(url.netloc, url.path.strip("/"))
