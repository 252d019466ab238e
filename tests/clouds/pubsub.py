"""The little of Google Cloud Pub/Sub and Eventarc that the GCS emulator needs: it publishes, and we push.

Every message goes to every subscriber, again and again until it answers 2xx, as a push subscription does; or as the
CloudEvent that Eventarc makes of it.
"""

from __future__ import annotations

import base64
import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from concurrent import futures
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
from google.pubsub_v1.types import PublishRequest, PublishResponse, Topic
from google.pubsub_v1.types.pubsub import GetTopicRequest

SERVICE = "google.pubsub.v1.Publisher"
BACKOFF = 0.5
FINALIZED = "google.cloud.storage.object.v1.finalized"


@dataclass(frozen=True)
class Subscriber:
    """Where messages are pushed to, and whether as the CloudEvents of Eventarc."""

    url: str
    eventarc: bool = False


@dataclass
class PubSub:
    """One topic. `sent` counts deliveries that were taken."""

    subscribers: Sequence[Subscriber] = ()
    sent: int = 0
    _stopping: threading.Event = field(default_factory=threading.Event)
    _pushers: futures.ThreadPoolExecutor = field(default_factory=lambda: futures.ThreadPoolExecutor(32))

    def publish(self, request: Any, _context: grpc.ServicerContext) -> Any:
        ids = []
        for message in request.messages:
            ids.append(str(time.monotonic_ns()))
            for subscriber in self.subscribers:
                self._pushers.submit(self._push, subscriber, ids[-1], message)
        return PublishResponse.pb(PublishResponse(message_ids=ids))

    def stop(self) -> None:
        self._stopping.set()
        self._pushers.shutdown(cancel_futures=True)

    def _push(self, subscriber: Subscriber, id_: str, message: Any) -> None:
        headers, body = (_eventarc if subscriber.eventarc else _push_body)(id_, message)
        while not self._stopping.is_set():
            request = urllib.request.Request(subscriber.url, body, headers)
            try:
                with urllib.request.urlopen(request, timeout=300):
                    self.sent += 1
                    return
            except OSError:
                self._stopping.wait(BACKOFF)


def _push_body(id_: str, message: Any) -> tuple[dict[str, str], bytes]:
    """https://cloud.google.com/pubsub/docs/push#receive_push"""
    told = {"attributes": dict(message.attributes), "data": base64.b64encode(message.data).decode(), "messageId": id_}
    body = {"message": told, "subscription": "projects/acme/subscriptions/tidemill"}
    return {"content-type": "application/json"}, json.dumps(body).encode()


def _eventarc(id_: str, message: Any) -> tuple[dict[str, str], bytes]:
    """https://cloud.google.com/eventarc/docs/cloudevents"""
    about = message.attributes
    headers = {
        "content-type": "application/json",
        "ce-specversion": "1.0",
        "ce-id": id_,
        "ce-type": FINALIZED,
        "ce-source": f"//storage.googleapis.com/projects/_/buckets/{about['bucketId']}",
        "ce-time": about["eventTime"],
    }
    data = {"bucket": about["bucketId"], "name": about["objectId"], "generation": about.get("objectGeneration", "1")}
    return headers, json.dumps(data).encode()


@contextmanager
def publisher(topic: PubSub) -> Iterator[str]:
    """The host:port of a Pub/Sub that the emulator can publish to."""
    handlers = {
        "GetTopic": grpc.unary_unary_rpc_method_handler(
            lambda request, context: Topic.pb(Topic(name=request.topic)),
            request_deserializer=GetTopicRequest.pb().FromString,
            response_serializer=Topic.pb().SerializeToString,
        ),
        "Publish": grpc.unary_unary_rpc_method_handler(
            topic.publish,
            request_deserializer=PublishRequest.pb().FromString,
            response_serializer=PublishResponse.pb().SerializeToString,
        ),
    }
    server = grpc.server(futures.ThreadPoolExecutor(8))
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        topic.stop()
        server.stop(None).wait()
