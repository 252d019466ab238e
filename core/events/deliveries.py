"""Whatever a host of events is given -> what happened. Pure functions: a request or a message in, messages out.

CloudEvents of any sender, push subscriptions of Pub/Sub, bucket notifications of stores that speak S3 (MinIO, Ceph),
the filer of SeaweedFS, and our own schedules.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from ..errors import BadInput
from ..layout import check_model_name
from . import azure, cloudevents, google, s3, seaweedfs
from .cloudevents import CloudEvent
from .fields import Document, items, moment, parsed, text
from .messages import Event, ScheduleFired, TrainingClaimed

SCHEDULED = "x-cloudscheduler-scheduletime"
"""When a job of Google Cloud Scheduler was due: https://cloud.google.com/scheduler/docs/reference/rpc"""


@dataclass(frozen=True, slots=True)
class Decoder:
    """What decoding needs to know: the store's URL, and which models there are."""

    store: str
    models: Sequence[str] = ()

    def messages(self, headers: Mapping[str, str], body: bytes, received: datetime) -> list[Event]:
        """What a request tells of; nothing for what is of no interest. Names of headers are in lower case.

        `received` is when a schedule that does not say so was due. Raises BadInput for what cannot be read, or is of an
        object that is not the store's.
        """
        if cloudevents.is_cloud_event(headers):
            events = cloudevents.decode(headers, body)
            return [message for event in events for message in self._event(event, received)]
        due = moment(headers, SCHEDULED) if SCHEDULED in headers else received
        return list(self._document(parsed(_text(body)), due))

    def taken(self, text: str, received: datetime) -> list[Event]:
        """What a message tells of that was taken from a queue, where nothing but its text came; as above."""
        document = parsed(text)
        if "specversion" in document:
            return list(self._event(cloudevents.structured(document), received))
        return list(self._document(document, received))

    def _event(self, event: CloudEvent, received: datetime) -> Iterable[Event]:
        if event.type.startswith(google.STORAGE):
            return google.finalized(event, self.store)
        if event.type.startswith(azure.STORAGE):
            return azure.created(event, self.store)
        return self._document(event.data, moment({"time": event.time}, "time") if event.time else received)

    def _document(self, document: Document, due: datetime) -> Iterable[Event]:
        if s3.is_test(document):
            return []
        if "Records" in document:
            return [event for record in items(document, "Records") for event in s3.created(record, self.store)]
        if seaweedfs.is_event(document):
            return seaweedfs.written(document, self.store)
        if google.is_push(document):
            return self._published(document, due)
        return self._own(document, due)

    def _published(self, document: Document, due: datetime) -> Iterable[Event]:
        notified = google.notified(document, self.store)
        if notified is not None:
            return notified
        message, time = google.message(document)
        return self._own(message, moment({"time": time}, "time") if time else due)

    def _own(self, document: Document, due: datetime) -> Iterable[Event]:
        """What our templates send: a job to do, or a schedule, of one model or of all."""
        if "training" in document:
            return [TrainingClaimed(check_model_name(text(document, "model")), text(document, "training"))]
        if "schedule" not in document:
            raise BadInput("the message tells of no object, no schedule and no training; is it meant for this host?")
        models = [check_model_name(text(document, "model"))] if "model" in document else self.models
        at = moment(document, "at") if "at" in document else due
        return [ScheduleFired(text(document, "schedule"), model, at) for model in models]


def _text(body: bytes) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadInput(f"the body is not UTF-8 at byte {error.start}.") from None
