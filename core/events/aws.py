"""Whatever starts a function on AWS -> what happened. Pure functions: an event in, messages out.

A queue delivers several envelopes at once, and each fails alone; anything else is one envelope.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ..layout import check_model_name
from . import eventbridge, s3
from .fields import Document, items, parsed, text, within
from .messages import Event, TrainingClaimed
from .places import listed

SQS = "aws:sqs"
ATTEMPTS = 3
"""How often a queue delivers a message before it gives it up: its redrive policy's maxReceiveCount."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """What succeeds or fails as one: `id` is the queue's, or None for what came without one; `body` is as it came.

    `attempt` counts its deliveries, this one included.
    """

    id: str | None
    body: str | Document
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class Decoder:
    """What decoding needs to know: the store's URL, which function this is, and which models there are."""

    store: str
    function: str
    models: Sequence[str] = ()

    def messages(self, envelope: Envelope) -> list[Event]:
        """What an envelope tells of; nothing for what is of no interest. Raises BadInput for what cannot be read."""
        body = envelope.body
        return list(self._decode(parsed(body) if isinstance(body, str) else body))

    def _decode(self, document: Document) -> Iterable[Event]:
        if s3.is_test(document):
            return []
        if "Records" in document:
            return [event for record in items(document, "Records") for event in self._record(record)]
        if eventbridge.is_event(document):
            return eventbridge.decode(document, self.store, self.function, self.models)
        if document.get("Type") == "Notification":
            return self._decode(parsed(text(document, "Message")))
        return self._own(document)

    def _own(self, document: Document) -> Iterable[Event]:
        """What our own templates send."""
        if "training" in document:
            return [TrainingClaimed(check_model_name(text(document, "model")), text(document, "training"))]
        if "zone" in document:
            return listed(document)
        return [eventbridge.schedule(document)]

    def _record(self, record: Document) -> Iterable[Event]:
        if s3.is_record(record):
            return s3.created(record, self.store)
        return self._decode(parsed(text(within(record, "Sns"), "Message")))


def envelopes(event: Document) -> Iterator[Envelope]:
    """The envelopes of what Lambda was called with.

    Format: https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
    """
    if _source(event) == SQS:
        for record in items(event, "Records"):
            yield Envelope(text(record, "messageId"), record.get("body", ""), _attempt(record))
    else:
        yield Envelope(None, event)


def _attempt(record: Document) -> int:
    """Counted by the queue, approximately as it says; 1 where it says nothing."""
    attributes = record.get("attributes")
    count = attributes.get("ApproximateReceiveCount") if isinstance(attributes, Mapping) else None
    return int(count) if isinstance(count, str) and count.isdecimal() else 1


def failures(ids: Iterable[str]) -> dict[str, list[dict[str, str]]]:
    """Which envelopes the queue shall deliver again (ReportBatchItemFailures).

    >>> failures(["a"])
    {'batchItemFailures': [{'itemIdentifier': 'a'}]}
    """
    return {"batchItemFailures": [{"itemIdentifier": each} for each in ids]}


def _source(event: Document) -> object:
    """Who sent the records: `eventSource`, which SNS alone spells `EventSource`."""
    records = event.get("Records")
    first = records[0] if isinstance(records, list) and records else None
    return first.get("eventSource", first.get("EventSource")) if isinstance(first, dict) else None
