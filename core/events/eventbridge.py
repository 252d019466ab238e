"""What Amazon EventBridge delivers: S3's events by way of the bus, and schedules.

Formats: https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html,
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html
"""

from __future__ import annotations

from collections.abc import Iterable

from ..layout import check_model_name
from .fields import Document, moment, optional, text, within
from .messages import Event, ObjectCreated, ScheduleFired
from .places import object_created


def is_event(document: Document) -> bool:
    """Whether this has EventBridge's envelope."""
    return "detail-type" in document and "detail" in document


def decode(document: Document, store: str, function: str, models: Iterable[str]) -> list[Event]:
    """What happened: an object was created, or the clock struck. Anything else is of no interest.

    A rule's bare schedule names no model: it is for every one of `models`.
    """
    match document.get("source"), document.get("detail-type"):
        case "aws.s3", "Object Created":
            return list(_created(document, store))
        case (("aws.events" | "aws.scheduler"), _):
            at = moment(document, "time")
            return [ScheduleFired(function, model, at) for model in models]
        case _:
            return []


def schedule(document: Document) -> ScheduleFired:
    """What our own schedules send: `{"schedule", "model", "at"}`."""
    model = check_model_name(text(document, "model"))
    return ScheduleFired(text(document, "schedule"), model, moment(document, "at"))


def _created(document: Document, store: str) -> Iterable[ObjectCreated]:
    """Keys are not URL-encoded here, unlike in S3's own notifications."""
    detail = within(document, "detail")
    thing = within(detail, "object")
    bucket = text(within(detail, "bucket"), "name")
    found = object_created(store, bucket, text(thing, "key"), optional(thing, "etag"))
    return [] if found is None else [found]
