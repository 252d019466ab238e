"""Jobs of Kubernetes, made from a suspended CronJob: TIDEMILL_JOBS=kubernetes://NAMESPACE/CRONJOB.

Without a namespace, kubernetes:///CRONJOB, it is the pod's own.

As `kubectl create job --from=cronjob/NAME` does. References:
https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/job-v1/,
https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/
"""

from __future__ import annotations

import hashlib
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, Literal
from urllib.parse import SplitResult

from ..errors import BadInput, Permanent
from .rest import Call, ask

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")


@dataclass(frozen=True, slots=True)
class KubernetesJobs:
    """Creates a Job named after the work, so that one which was started already is not started again.

    `api` is the server's URL; `namespace` is empty for the pod's own; `account` is the folder of its service account.
    """

    api: str
    namespace: str
    template: str
    account: Path = ACCOUNT

    def start(self, job: str, name: str, arguments: Mapping[str, str]) -> None:
        """Start the job; raises Permanent or Transient."""
        found = self._ask(job, "GET", f"cronjobs/{self.template}")
        made_from: dict[str, Any] = json.loads(found)["spec"]["jobTemplate"]
        (container, *_) = made_from["spec"]["template"]["spec"]["containers"]
        container["args"] = ["-m", f"functions.{job}", *arguments.values()]
        made_from["metadata"] = {**made_from.get("metadata", {}), "name": job_name(job, name)}
        body = {"apiVersion": "batch/v1", "kind": "Job", **made_from}
        self._ask(job, "POST", "jobs", body, done=HTTPStatus.CONFLICT)

    def _ask(
        self, job: str, method: Literal["GET", "POST"], path: str, body: object = None, done: int | None = None
    ) -> bytes:
        """The answer; `done` is the status that says that it is done already."""
        url = f"{self.api}/apis/batch/v1/namespaces/{self.namespace or self._said('namespace')}/{path}"
        data = None if body is None else json.dumps(body).encode()
        headers = {"authorization": f"Bearer {self._said('token')}", "content-type": "application/json"}
        call = Call(f"job {job} cannot be started", "Kubernetes", method, url, headers, data)
        return ask(call, self._trust(), done)

    def _said(self, name: str) -> str:
        """A file of the service account, read each time: Kubernetes renews the token."""
        try:
            return (self.account / name).read_text("utf-8").strip()
        except OSError as error:
            raise Permanent(f"there is no service account in {self.account}: is this a pod? ({error})") from error

    def _trust(self) -> ssl.SSLContext | None:
        return ssl.create_default_context(cafile=self.account / "ca.crt") if self.api.startswith("https") else None


def job_name(job: str, name: str) -> str:
    """A name of at most 63 characters, as Kubernetes wants it: readable, and unique by the hash.

    >>> job_name("train", "flights-delay-0a1b-1")
    'train-e3af367664d5bfa3c11b'
    """
    return f"{job.replace('_', '-')}-{hashlib.sha256(name.encode()).hexdigest()[:20]}"


def open_kubernetes(url: SplitResult, environ: Mapping[str, str]) -> KubernetesJobs:
    """The runner of kubernetes://NAMESPACE/CRONJOB, by the pod's service account; raises BadInput outside of a pod."""
    template = url.path.strip("/")
    if not template or "/" in template:
        raise BadInput(f"TIDEMILL_JOBS is {url.geturl()!r}; it must be kubernetes://NAMESPACE/CRONJOB.")
    host, port = environ.get("KUBERNETES_SERVICE_HOST"), environ.get("KUBERNETES_SERVICE_PORT", "443")
    if not host:
        raise BadInput(
            f"TIDEMILL_JOBS is {url.geturl()!r}, which works in a pod alone: KUBERNETES_SERVICE_HOST is not set."
        )
    return KubernetesJobs(f"https://{host}:{port}", url.netloc, template)
