"""Jobs of Google Cloud Run: TIDEMILL_JOBS=cloudrun://PROJECT/REGION/JOB.

Reference: https://cloud.google.com/run/docs/reference/rest/v2/projects.locations.jobs/run
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import SplitResult

import google.auth
import requests
from google.auth import exceptions as auth
from google.auth.transport.requests import AuthorizedSession

from ..errors import BadInput, Permanent, Transient

API = "https://run.googleapis.com"
SCOPE = "https://www.googleapis.com/auth/cloud-platform"
TIMEOUT = 30.0


@dataclass(frozen=True, slots=True)
class CloudRunJobs:
    """Starts an execution of the job `name` (projects/…/locations/…/jobs/…) whose container is told what to do.

    Cloud Run knows no idempotency by name: a training that is started twice runs twice and finds its work done.
    """

    session: requests.Session
    name: str
    api: str = API

    def start(self, job: str, name: str, arguments: Mapping[str, str]) -> None:  # noqa: ARG002 - the port's shape
        """Start the job; raises Permanent or Transient."""
        overrides = {"containerOverrides": [{"args": ["-m", f"functions.{job}", *arguments.values()]}]}
        try:
            answer = self.session.post(f"{self.api}/v2/{self.name}:run", json={"overrides": overrides}, timeout=TIMEOUT)
        except (requests.RequestException, auth.GoogleAuthError) as error:
            raise Transient(f"job {job} cannot be started: {error}") from error
        if answer.status_code >= HTTPStatus.BAD_REQUEST:
            kind = Transient if answer.status_code >= 500 or answer.status_code == 429 else Permanent  # noqa: PLR2004
            raise kind(f"job {job} cannot be started: Cloud Run said {answer.status_code} {answer.text[:300]!r}.")


def open_cloud_run(url: SplitResult, environ: Mapping[str, str]) -> CloudRunJobs:  # noqa: ARG001 - every factory has one signature
    """The runner of cloudrun://PROJECT/REGION/JOB, by Application Default Credentials; raises BadInput or Permanent."""
    region, _, job = url.path.strip("/").partition("/")
    if not url.netloc or not region or not job:
        raise BadInput(f"TIDEMILL_JOBS is {url.geturl()!r}; it must be cloudrun://PROJECT/REGION/JOB.")
    try:
        credentials, _ = google.auth.default(scopes=[SCOPE])
    except auth.GoogleAuthError as error:
        raise Permanent(f"TIDEMILL_JOBS {url.geturl()!r} needs Google's credentials: {error}") from error
    session = AuthorizedSession(credentials)  # type: ignore[no-untyped-call]
    return CloudRunJobs(session, f"projects/{url.netloc}/locations/{region}/jobs/{job}")
