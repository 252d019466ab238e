"""What Google Cloud delivers: Cloud Storage through Eventarc or Pub/Sub, and Cloud Scheduler through either.

Formats: https://cloud.google.com/eventarc/docs/workflows/cloudevents (google.cloud.storage.object.v1.finalized),
https://cloud.google.com/storage/docs/pubsub-notifications, https://cloud.google.com/pubsub/docs/push
"""

from __future__ import annotations

import base64
import binascii

from ..errors import BadInput
from .cloudevents import CloudEvent
from .fields import Document, number, optional, parsed, text, within
from .messages import ObjectCreated
from .places import object_created

FINALIZED = "google.cloud.storage.object.v1.finalized"
STORAGE = "google.cloud.storage."
PUBLISHED = "google.cloud.pubsub.topic.v1.messagePublished"
OBJECT_FINALIZE = "OBJECT_FINALIZE"


def finalized(event: CloudEvent, store: str) -> list[ObjectCreated]:
    """The object that Eventarc tells of; nothing for what else can happen to objects. Raises BadInput."""
    if event.type != FINALIZED:
        return []
    return _created(store, text(event.data, "bucket"), text(event.data, "name"), number(event.data, "generation"))


def is_push(document: Document) -> bool:
    """Whether this is what a push subscription of Pub/Sub posts."""
    return "message" in document and "subscription" in document


def notified(document: Document, store: str) -> list[ObjectCreated] | None:
    """The object that a notification of Cloud Storage in a Pub/Sub message tells of; None if it is no notification."""
    attributes = within(document, "message").get("attributes") or {}
    if not isinstance(attributes, dict) or "eventType" not in attributes:
        return None
    if attributes["eventType"] != OBJECT_FINALIZE:
        return []
    generation = number(attributes, "objectGeneration")
    return _created(store, text(attributes, "bucketId"), text(attributes, "objectId"), generation)


def message(document: Document) -> tuple[Document, str]:
    """(the JSON object that was published, when) of a Pub/Sub message; raises BadInput if it holds none."""
    found = within(document, "message")
    try:
        data = base64.b64decode(text(found, "data"), validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        raise BadInput("the data of a Pub/Sub message must be JSON in base64.") from None
    return parsed(data), optional(found, "publishTime") or ""


def _created(store: str, bucket: str, name: str, generation: str | None) -> list[ObjectCreated]:
    found = object_created(store, bucket, name, generation)
    return [] if found is None else [found]
