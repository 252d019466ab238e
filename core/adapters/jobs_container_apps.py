"""Jobs of Azure Container Apps: TIDEMILL_JOBS=azurejobs://SUBSCRIPTION/RESOURCE_GROUP/JOB.

Reference: https://learn.microsoft.com/rest/api/resource-manager/containerapps/jobs/start
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, quote

from ..errors import BadInput
from .azure_identity import Identity, identity_of
from .rest import Call, ask

API = "https://management.azure.com"
API_VERSION = "2024-03-01"
REPEATED = ("name", "image", "command", "env")
"""What an execution takes from the job's own container: who overrides one field has to say them all."""


@dataclass(frozen=True, slots=True)
class ContainerAppsJobs:
    """Starts an execution of the job `path` (/subscriptions/…/jobs/…) whose container is told what to do.

    Container Apps knows no idempotency by name: a training that is started twice runs twice and finds its work done.
    """

    identity: Identity
    path: str
    api: str = API

    def start(self, job: str, name: str, arguments: Mapping[str, str]) -> None:  # noqa: ARG002 - the port's shape
        """Start the job; raises Permanent or Transient."""
        purpose = f"job {job} cannot be started"
        headers = {"authorization": f"Bearer {self.identity.token(f'{API}/', purpose)}"}
        found = ask(Call(purpose, "Azure", "GET", self._url(""), headers))
        (container, *_) = json.loads(found)["properties"]["template"]["containers"]
        told = _execution(container, ["-m", f"functions.{job}", *arguments.values()])
        body = json.dumps({"containers": [told]}).encode()
        headers["content-type"] = "application/json"
        ask(Call(purpose, "Azure", "POST", self._url("/start"), headers, body))

    def _url(self, verb: str) -> str:
        return f"{self.api}{self.path}{verb}?api-version={API_VERSION}"


def _execution(container: Mapping[str, Any], arguments: list[str]) -> dict[str, Any]:
    """The container of one execution: that of the job, with arguments of its own."""
    repeated = {name: container[name] for name in REPEATED if container.get(name)}
    resources = {name: container["resources"][name] for name in ("cpu", "memory")}
    return {**repeated, "args": arguments, "resources": resources}


def open_container_apps(url: SplitResult, environ: Mapping[str, str]) -> ContainerAppsJobs:
    """The runner of azurejobs://SUBSCRIPTION/RESOURCE_GROUP/JOB, by the container's managed identity.

    Raises BadInput for another URL, and where there is no identity.
    """
    group, _, job = url.path.strip("/").partition("/")
    if not url.netloc or not group or not job or "/" in job:
        raise BadInput(f"TIDEMILL_JOBS is {url.geturl()!r}; it must be azurejobs://SUBSCRIPTION/RESOURCE_GROUP/JOB.")
    identity = identity_of(environ, f"TIDEMILL_JOBS is {url.geturl()!r}")
    path = f"/subscriptions/{url.netloc}/resourceGroups/{quote(group)}/providers/Microsoft.App/jobs/{quote(job)}"
    return ContainerAppsJobs(identity, path)
