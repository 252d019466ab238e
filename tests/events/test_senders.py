"""Every sender's event of an object, with every name that is hard: what is ours is taken, all else refused clearly.

Each kind is its vendor's golden payload with another bucket and key in it, written as that vendor writes them.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import pytest

from core.errors import BadInput
from core.events import aws
from core.events.cloudevents import STRUCTURED
from core.events.deliveries import Decoder
from core.events.messages import Event, ObjectCreated

GOLDEN = Path(__file__).parent / "golden"
STORE = "s3://acme-{zone}"
POSTED = Decoder(STORE, ("m",))
ON_AWS = aws.Decoder(STORE, "ingest", ("m",))
Make = Callable[[Any, str, str], None]


def golden(name: str) -> Any:
    return json.loads((GOLDEN / f"{name}.json").read_text("utf-8"))


def eventarc(event: Any, bucket: str, key: str) -> None:
    event["data"] |= {"bucket": bucket, "name": key}


def event_grid(event: Any, bucket: str, key: str) -> None:
    event["subject"] = f"/blobServices/default/containers/{bucket}/blobs/{key}"


def pubsub(event: Any, bucket: str, key: str) -> None:
    event["message"]["attributes"] |= {"bucketId": bucket, "objectId": key}


def s3(event: Any, bucket: str, key: str) -> None:
    thing = event["Records"][0]["s3"]
    thing["bucket"]["name"], thing["object"]["key"] = bucket, quote_plus(key, errors="surrogatepass")


def ceph(event: Any, bucket: str, key: str) -> None:
    thing = event["Records"][0]["s3"]
    thing["bucket"]["name"], thing["object"]["key"] = bucket, key


def filer(event: Any, bucket: str, key: str) -> None:
    event["key"] = f"/buckets/{bucket}/{key}"


def eventbridge(event: Any, bucket: str, key: str) -> None:
    event["detail"]["bucket"]["name"], event["detail"]["object"]["key"] = bucket, key


POSTS: dict[str, Make] = {
    "gcs_finalized": eventarc,
    "azure_created": event_grid,
    "pubsub_gcs": pubsub,
    "minio_put": s3,
    "ceph_put": ceph,
    "seaweedfs_update": filer,
}
SENDERS: dict[str, Make] = {**POSTS, "s3_put": s3, "eventbridge_created": eventbridge}
each_sender = pytest.mark.parametrize("kind", SENDERS)


def decoded(kind: str, event: Any) -> list[Event]:
    if kind not in POSTS:
        return [each for envelope in aws.envelopes(event) for each in ON_AWS.messages(envelope)]
    headers = {"content-type": STRUCTURED if "specversion" in event else "application/json"}
    return POSTED.messages(headers, json.dumps(event).encode(), datetime.now(UTC))


def told(kind: str, bucket: str, key: str) -> list[Event]:
    event = golden(kind)
    SENDERS[kind](event, bucket, key)
    return decoded(kind, event)


NAMES = [
    "a.csv",
    "May 2013 (1)/café+crème 100%.csv",
    "%2e%2e%2fx",
    "日本語/😀.csv",
    "a&b=c?d#e.csv",
    "...",
    "..a",
    "a\nb",
]


@each_sender
@pytest.mark.parametrize("name", NAMES)
def test_names_come_as_they_were_given(kind: str, name: str) -> None:
    (event,) = told(kind, "acme-landing", f"m/rows/{name}")
    assert isinstance(event, ObjectCreated)
    assert (event.zone, event.key) == ("landing", f"m/rows/{name}")


HOSTILE = {
    "a bucket of others": ("theirs", "m/rows/a.csv"),
    "a bucket that begins as ours": ("acme-landing-2", "m/rows/a.csv"),
    "a bucket that is a path": ("acme-landing/..", "m/rows/a.csv"),
    "up": ("acme-landing", "../models/m/route.json"),
    "up from within": ("acme-landing", "m/rows/../../../models/m/route.json"),
    "here": ("acme-landing", "m/./rows/a.csv"),
    "nowhere": ("acme-landing", "m//rows/a.csv"),
    "absolute": ("acme-landing", "/etc/passwd"),
    "up as a folder": ("acme-landing", "../"),
    "nul": ("acme-landing", "m/rows/a\0.csv"),
    "a megabyte": ("acme-landing", "m/rows/" + "a" * 1_000_000),
    "a megabyte of bucket": ("a" * 1_000_000, "m/rows/a.csv"),
    "long in bytes alone": ("acme-landing", "m/rows/" + "é" * 600),
    "half a character": ("acme-landing", "m/rows/\ud800.csv"),
}


@each_sender
@pytest.mark.parametrize("what", HOSTILE)
def test_what_is_not_ours_is_refused_in_a_sentence(kind: str, what: str) -> None:
    with pytest.raises(BadInput) as refused:
        told(kind, *HOSTILE[what])
    assert len(str(refused.value)) < 600


@each_sender
def test_what_comes_twice_is_told_twice_and_alike(kind: str) -> None:
    first, again = told(kind, "acme-reports", "m/a"), told(kind, "acme-reports", "m/a")
    assert first == again
    assert len(first) == 1


KEPT = {  # without these there is no event of an object; everything else may be missing
    "gcs_finalized": {"specversion", "id", "source", "type", "bucket", "name", "data"},
    "azure_created": {"specversion", "id", "source", "type", "subject"},
    "pubsub_gcs": {"message", "subscription", "attributes", "eventType", "bucketId", "objectId"},
    "minio_put": {"Records", "eventName", "s3", "bucket", "name", "object", "key"},
    "ceph_put": {"Records", "eventName", "s3", "bucket", "name", "object", "key"},
    "seaweedfs_update": {"event_type", "key", "message", "new_entry"},
    "s3_put": {"Records", "eventSource", "eventName", "s3", "bucket", "name", "object", "key"},
    "eventbridge_created": {"source", "detail-type", "detail", "bucket", "name", "object", "key"},
}


ATTRIBUTES = {"id"}
"""Of a CloudEvent; its data has another."""


def fewer(document: Any, kept: set[str]) -> Any:
    if isinstance(document, list):
        return [fewer(each, kept) for each in document]
    if isinstance(document, dict):
        return {name: fewer(each, kept - ATTRIBUTES) for name, each in document.items() if name in kept}
    return document


def places(document: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    for name, each in document.items() if isinstance(document, dict) else enumerate(document):
        yield (*path, name)
        if isinstance(each, dict | list):
            yield from places(each, (*path, name))


@each_sender
def test_optional_fields_may_be_missing_and_others_are_named(kind: str) -> None:
    whole = golden(kind)
    SENDERS[kind](whole, "acme-landing", "m/rows/a.csv")
    least = fewer(whole, KEPT[kind])
    (event,) = decoded(kind, least)
    assert event == ObjectCreated("landing", "m/rows/a.csv", None)
    for path in places(least):
        cut = json.loads(json.dumps(least))
        inner = cut
        for step in path[:-1]:
            inner = inner[step]
        del inner[path[-1]]
        try:
            left = decoded(kind, cut)
        except BadInput:
            continue
        assert left == [], f"without {path} it is still an event"


@pytest.mark.parametrize("kind", POSTS)
def test_a_queue_holds_the_same(kind: str) -> None:
    event = golden(kind)
    SENDERS[kind](event, "acme-landing", "m/rows/a.csv")
    assert POSTED.taken(json.dumps(event), datetime.now(UTC)) == decoded(kind, event)


def test_data_in_base64_is_the_same() -> None:
    event = golden("gcs_finalized")
    packed = {**event, "data_base64": base64.b64encode(json.dumps(event.pop("data")).encode()).decode()}
    del packed["data"]
    decoder = Decoder("gs://acme-{zone}")
    (found,) = decoder.taken(json.dumps(packed), datetime.now(UTC))
    assert isinstance(found, ObjectCreated)
