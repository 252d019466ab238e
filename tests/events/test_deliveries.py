"""Events as Google, Azure, MinIO, Ceph and SeaweedFS send them, decoded; and what must not be believed."""

from __future__ import annotations

import base64
import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import BadInput
from core.events.azure import permission
from core.events.deliveries import Decoder
from core.events.messages import ObjectCreated, ScheduleFired, TrainingClaimed

GOLDEN = Path(__file__).parent / "golden"
DECODER = Decoder("gs://acme-{zone}", ("flights-delay", "penguins"))
NOW = datetime(2026, 5, 1, 13, tzinfo=UTC)
NOON = NOW - timedelta(hours=1)
KEY = "flights-delay/rows/May 2013+é/100%.csv"
GENERATION = "1777636800123456"
STRUCTURED = {"content-type": "application/cloudevents+json; charset=utf-8"}


def golden(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((GOLDEN / f"{name}.json").read_text("utf-8"))
    return found


def posted(document: Any, headers: dict[str, str] | None = None) -> list[Any]:
    return DECODER.messages(headers or {"content-type": "application/json"}, json.dumps(document).encode(), NOW)


def binary(event: dict[str, Any]) -> tuple[dict[str, str], bytes]:
    headers = {f"ce-{name}": quote(value, safe=" /:+") for name, value in event.items() if name != "data"}
    return headers | {"content-type": "application/json"}, json.dumps(event["data"]).encode()


CLOUD_EVENTS = [
    ("gcs_finalized", [ObjectCreated("landing", KEY, GENERATION)]),
    ("gcs_deleted", []),
    ("azure_created", [ObjectCreated("landing", KEY, "0x8D4BCC2E4835CD0")]),
    ("azure_deleted", []),
]


@pytest.mark.parametrize(("name", "messages"), CLOUD_EVENTS)
def test_a_cloud_event_is_the_same_in_every_mode(name: str, messages: list[Any]) -> None:
    event = golden(name)
    headers, body = binary(event)
    packed = {**event, "data_base64": base64.b64encode(body).decode()}
    del packed["data"]
    assert posted(event, STRUCTURED) == messages
    assert posted(packed, STRUCTURED) == messages
    assert DECODER.messages(headers, body, NOW) == messages
    assert posted([event, event], {"content-type": "application/cloudevents-batch+json"}) == messages * 2


@pytest.mark.parametrize(
    ("name", "messages"),
    [
        ("pubsub_gcs", [ObjectCreated("landing", KEY, GENERATION)]),
        ("pubsub_schedule", [ScheduleFired("drift_check", "flights-delay", NOON)]),
        ("minio_put", [ObjectCreated("landing", KEY, "37b51d194a7513e45b56f6524f2d51f2")]),
        ("ceph_put", [ObjectCreated("landing", KEY, "37b51d194a7513e45b56f6524f2d51f2")]),
        ("seaweedfs_update", [ObjectCreated("landing", "m/rows/a b+é.csv", "1919efab7e3f5c4cc7e9e96f26663db9")]),
        ("training", [TrainingClaimed("flights-delay", "1a2b3c4d5e6f7081")]),
        ("s3_test", []),
    ],
)
def test_what_is_posted_as_plain_json(name: str, messages: list[Any]) -> None:
    assert posted(golden(name)) == messages


def test_a_message_published_through_eventarc_is_unpacked() -> None:
    event = {
        "specversion": "1.0",
        "id": "1",
        "source": "//pubsub.googleapis.com/projects/acme/topics/t",
        "type": "google.cloud.pubsub.topic.v1.messagePublished",
        "data": golden("pubsub_schedule"),
    }
    assert posted(event, STRUCTURED) == [ScheduleFired("drift_check", "flights-delay", NOON)]


def test_a_schedule_without_a_model_is_for_all_and_without_a_time_due_when_its_sender_says() -> None:
    assert posted({"schedule": "report"}) == [ScheduleFired("report", model, NOW) for model in DECODER.models]
    cron = {"content-type": "application/json", "x-cloudscheduler-scheduletime": "2026-05-01T12:00:00Z"}
    assert posted({"schedule": "report", "model": "m"}, cron) == [ScheduleFired("report", "m", NOON)]
    ping = {
        "specversion": "1.0",
        "id": "1",
        "source": "/apis/v1/pingsources/tidemill",
        "time": "2026-05-01T12:00:00Z",
        "type": "dev.knative.sources.ping",
        "data": {"schedule": "report", "model": "m"},
    }
    assert posted(ping, STRUCTURED) == [ScheduleFired("report", "m", NOON)]


def test_the_filer_tells_of_much_that_is_no_finished_object() -> None:
    event = golden("seaweedfs_update")
    folder = {**event, "key": "/buckets/acme-landing/m", "message": {"new_entry": {"is_directory": True}}}
    part = {**event, "key": "/buckets/acme-landing/.uploads/1/0001.part"}
    system = {**event, "key": "/etc/iam/policies.json"}
    deleted = {**event, "event_type": "delete"}
    assert [posted(each) for each in (folder, part, system, deleted)] == [[], [], [], []]


def changed(name: str, *path: str | int, value: Any) -> dict[str, Any]:
    event = golden(name)
    inner: Any = event
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    return event


@pytest.mark.parametrize(
    ("event", "headers", "words"),
    [
        (changed("gcs_finalized", "data", "bucket", value="theirs"), STRUCTURED, "no zone of the store"),
        (changed("gcs_finalized", "data", "name", value="../models/route.json"), STRUCTURED, "without empty"),
        (changed("gcs_finalized", "data", "name", value="m/rows/" + "a" * 1_000_000), STRUCTURED, "longer than"),
        (changed("gcs_finalized", "data", "name", value=7), STRUCTURED, "'name'"),
        (changed("gcs_finalized", "specversion", value="0.3"), STRUCTURED, "specversion"),
        (changed("gcs_finalized", "data", value=[1]), STRUCTURED, "data"),
        (changed("gcs_finalized", "data_base64", value="???"), STRUCTURED, "base64"),
        (changed("azure_created", "subject", value="/queueServices/q"), STRUCTURED, "subject"),
        (
            changed("azure_created", "subject", value="/blobServices/default/containers/x/blobs/y"),
            STRUCTURED,
            "no zone",
        ),
        (changed("pubsub_gcs", "message", "attributes", "bucketId", value="theirs"), {}, "no zone"),
        (changed("pubsub_schedule", "message", "data", value="bm8ganNvbg=="), {}, "JSON object"),
        (changed("pubsub_schedule", "message", "data", value="???"), {}, "base64"),
        (changed("seaweedfs_update", "key", value="/buckets/theirs/a.csv"), {}, "no zone"),
        (changed("minio_put", "Records", 0, "s3", "bucket", "name", value="theirs"), {}, "no zone"),
        ({"schedule": "report", "model": "../m"}, {}, "model name"),
        ({"schedule": "report", "model": "m", "at": "noon"}, {}, "time"),
        ({"hello": "world"}, {}, "tells of no object"),
        ([], {}, "JSON object"),
        ({}, {"content-type": "application/cloudevents-batch+json"}, "array"),
        ([{}] * 1001, {"content-type": "application/cloudevents-batch+json"}, "1,001"),
    ],
)
def test_what_cannot_be_believed_is_refused_in_one_sentence(event: Any, headers: dict[str, str], words: str) -> None:
    with pytest.raises(BadInput, match=words) as refused:
        posted(event, headers)
    assert len(str(refused.value)) < 600


def test_a_missing_version_is_no_matter() -> None:
    event = golden("gcs_finalized")
    del event["data"]["generation"]
    assert posted(event, STRUCTURED) == [ObjectCreated("landing", KEY, None)]


def test_a_sender_that_asks_may_deliver() -> None:
    allowed = permission({"webhook-request-origin": "eventgrid.azure.net", "webhook-request-rate": "120"})
    assert allowed == {
        "webhook-allowed-origin": "eventgrid.azure.net",
        "webhook-allowed-rate": "*",
        "allow": "POST, OPTIONS",
    }
    assert permission({}) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
SHAPES = st.sampled_from(["gcs_finalized", "azure_created", "pubsub_gcs", "minio_put", "seaweedfs_update"])


@given(name=SHAPES, noise=JSON, data=st.data())
def test_whatever_is_wrong_with_an_event_it_is_bad_input_at_worst(name: str, noise: Any, data: st.DataObject) -> None:
    event = golden(name)
    inner: Any = event
    while isinstance(inner, dict | list) and inner:
        step = data.draw(st.sampled_from(sorted(inner) if isinstance(inner, dict) else range(len(inner))))
        if not isinstance(inner[step], dict | list) or data.draw(st.booleans()):
            inner[step] = noise
            break
        inner = inner[step]
    for headers in (STRUCTURED, {}):
        with suppress(BadInput):
            posted(event, headers)


@given(st.binary(), st.dictionaries(st.sampled_from(["ce-specversion", "ce-id", "ce-type", "content-type"]), st.text()))
def test_whatever_is_posted_it_is_bad_input_at_worst(body: bytes, headers: dict[str, str]) -> None:
    with suppress(BadInput):
        DECODER.messages(headers, body, NOW)
