"""What Azure Event Grid delivers of blobs, and what it asks before it does.

Formats: https://learn.microsoft.com/azure/event-grid/event-schema-blob-storage,
https://learn.microsoft.com/azure/event-grid/cloud-event-schema, and the handshake of webhooks:
https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/http-webhook.md#4-abuse-protection
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from ..errors import BadInput
from .cloudevents import CloudEvent
from .fields import optional
from .messages import ObjectCreated
from .places import object_created

STORAGE = "Microsoft.Storage."
CREATED = "Microsoft.Storage.BlobCreated"
ORIGIN = "webhook-request-origin"

_SUBJECT = re.compile(r"/blobServices/default/containers/([^/]+)/blobs/(.+)", re.DOTALL)


def created(event: CloudEvent, store: str) -> list[ObjectCreated]:
    """The blob that was written; nothing for what else can happen to blobs. Raises BadInput."""
    if event.type != CREATED:
        return []
    subject = _SUBJECT.fullmatch(event.subject)
    if subject is None:
        raise BadInput(f"the subject {event.subject[:80]!r} of a {CREATED} event names no container and blob.")
    container, name = subject.groups()
    found = object_created(store, container, name, optional(event.data, "eTag"))
    return [] if found is None else [found]


def permission(headers: Mapping[str, str]) -> dict[str, str] | None:
    """The headers that let a sender deliver, if this is its question; else None. Names are in lower case.

    It only keeps a sender from flooding an address that wants no events: who may send is for access to say.
    """
    origin = headers.get(ORIGIN)
    if origin is None:
        return None
    return {"webhook-allowed-origin": origin, "webhook-allowed-rate": "*", "allow": "POST, OPTIONS"}
