"""Jobs inside of a Lambda function, for what is done within its quarter of an hour: TIDEMILL_JOBS=lambda://FUNCTION."""

from __future__ import annotations

import json
from collections.abc import Mapping
from urllib.parse import SplitResult

from .jobs_aws import client, options, translated


class LambdaJobs:
    """Calls `function` asynchronously.

    Lambda knows no names: a job that is started twice runs twice, and the second finds the work of the first done.
    """

    def __init__(self, function: str) -> None:
        self._function = function

    def start(self, job: str, name: str, arguments: Mapping[str, str]) -> None:
        """Start the job; raises Permanent or Transient."""
        payload = json.dumps({"job": job, "name": name, **arguments}).encode()
        with translated(job):
            client("lambda").invoke(FunctionName=self._function, InvocationType="Event", Payload=payload)


def open_lambda(url: SplitResult, environ: Mapping[str, str]) -> LambdaJobs:  # noqa: ARG001 - every factory has one signature
    """The runner of lambda://FUNCTION; raises BadInput if it is missing."""
    options(url, "lambda://FUNCTION", path=False)
    return LambdaJobs(url.netloc)
