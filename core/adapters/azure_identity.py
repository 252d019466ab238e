"""Who a container is in Azure: tokens of its managed identity.

Reference: https://learn.microsoft.com/azure/container-apps/managed-identity#connect-to-azure-services-in-app-code
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

from ..errors import BadInput
from .rest import Call, ask

VERSION = "2019-08-01"


@dataclass(frozen=True, slots=True)
class Identity:
    """Where a container gets its tokens; `client_id` says of which identity, if it has several."""

    endpoint: str
    header: str = field(repr=False)
    client_id: str = ""

    def token(self, resource: str, purpose: str) -> str:
        """A token for an API; raises Permanent or Transient. The platform keeps it, so it is asked for each time.

        `purpose` begins the sentence of a failure, such as "job train cannot be started".
        """
        asked = {"api-version": VERSION, "resource": resource}
        if self.client_id:
            asked["client_id"] = self.client_id
        url = f"{self.endpoint}?{urlencode(asked)}"
        answer = ask(Call(purpose, "the managed identity", "GET", url, {"x-identity-header": self.header}))
        return str(json.loads(answer)["access_token"])


def identity_of(environ: Mapping[str, str], setting: str) -> Identity:
    """The identity that `setting`, such as "TIDEMILL_JOBS is 'azurejobs://…'", needs; raises BadInput without one."""
    endpoint, header = environ.get("IDENTITY_ENDPOINT"), environ.get("IDENTITY_HEADER")
    if not endpoint or not header:
        raise BadInput(
            f"{setting}, which works in Azure alone, where a container has an identity: IDENTITY_ENDPOINT is not set."
        )
    return Identity(endpoint, header, environ.get("AZURE_CLIENT_ID", ""))
