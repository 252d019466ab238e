"""Amazon S3's own event notifications, and those of the stores that speak it: MinIO and Ceph.

Formats: https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html,
https://min.io/docs/minio/linux/administration/monitoring/bucket-notifications.html,
https://docs.ceph.com/en/latest/radosgw/notifications/#events
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote_plus

from ..errors import BadInput
from .fields import Document, optional, text, within
from .messages import ObjectCreated
from .places import object_created

SOURCE = "aws:s3"
TEST_EVENT = "s3:TestEvent"
CREATED = "ObjectCreated:"
OLD_PREFIX = "s3:"
"""MinIO and older releases of Ceph put it before the names of events."""
CEPH = "ceph:s3"


def is_test(document: Document) -> bool:
    """Whether this is what S3 sends when notifications are set up."""
    return document.get("Event") == TEST_EVENT


def is_record(record: Mapping[str, Any]) -> bool:
    """Whether a record is one of S3's."""
    return record.get("eventSource") == SOURCE


def created(record: Document, store: str) -> list[ObjectCreated]:
    """The object that was written, if that is what happened.

    Keys come URL-encoded, with `+` for a space; from Ceph they come as they are.
    Raises BadInput for a record that is not as documented, or an object that is in no zone of `store`.
    """
    if not text(record, "eventName").removeprefix(OLD_PREFIX).startswith(CREATED):
        return []
    s3 = within(record, "s3")
    thing = within(s3, "object")
    key = text(thing, "key") if record.get("eventSource") == CEPH else _decoded(text(thing, "key"))
    found = object_created(store, text(within(s3, "bucket"), "name"), key, optional(thing, "eTag"))
    return [] if found is None else [found]


def _decoded(key: str) -> str:
    try:
        return unquote_plus(key, errors="strict")
    except UnicodeDecodeError:
        raise BadInput(f"object key {key[:80]!r} of an event is no URL-encoded UTF-8.") from None
