"""What the filer of SeaweedFS posts to `[notification.webhook]`: its own JSON, no event of S3.

Seen of release 4.48; the message is filer_pb.EventNotification as JSON:
https://github.com/seaweedfs/seaweedfs/wiki/Filer-Notification-Webhook
"""

from __future__ import annotations

import base64
import binascii

from ..errors import BadInput
from .fields import Document, text, within
from .messages import ObjectCreated
from .places import object_created

BUCKETS = "/buckets/"
WRITES = frozenset({"create", "update", "rename"})
UPLOADS = ".uploads/"
"""Where the filer keeps the parts of uploads, in each bucket."""
ETAG = "Seaweed-X-Amz-ETag"


def is_event(document: Document) -> bool:
    """Whether this is the filer's."""
    return "event_type" in document and "key" in document and "message" in document


def written(document: Document, store: str) -> list[ObjectCreated]:
    """The object that was written: a finished file of a bucket, in one of the zones.

    Nothing for folders, for the parts of an upload, and for what the filer keeps beside the buckets: it tells of all.
    """
    path = text(document, "key")
    if text(document, "event_type") not in WRITES or not path.startswith(BUCKETS):
        return []
    bucket, _, key = path.removeprefix(BUCKETS).partition("/")
    entry = within(document, "message").get("new_entry")
    if not isinstance(entry, dict) or entry.get("is_directory") or bucket.startswith(".") or key.startswith(UPLOADS):
        return []
    found = object_created(store, bucket, key, _etag(entry))
    return [] if found is None else [found]


def _etag(entry: Document) -> str | None:
    packed = within(entry, "extended").get(ETAG) if entry.get("extended") else None
    try:
        return None if packed is None else base64.b64decode(str(packed), validate=True).decode("ascii")
    except (binascii.Error, UnicodeDecodeError):
        raise BadInput(f"{ETAG} of a filer's event must be text in base64.") from None
