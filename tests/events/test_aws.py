"""Events as AWS documents them, decoded; and what must not be believed."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import BadInput
from core.events.aws import Decoder, Envelope, envelopes, failures
from core.events.messages import ObjectCreated, ScheduleFired, TrainingClaimed
from core.events.places import zone_of

GOLDEN = Path(__file__).parent / "golden"
DECODER = Decoder("s3://acme-tidemill-{zone}", "drift_check", ("flights-delay", "penguins"))
EMPTY = "d41d8cd98f00b204e9800998ecf8427e"
CAFE = ObjectCreated("landing", "flights-delay/rows/May 2013 (1)/café+crème.csv", EMPTY)
PERCENT = ObjectCreated("landing", "flights-delay/rows/May 2013/100%.csv", "b1946ac92492d2347c6235b4d2611184")

STRUCK = [ScheduleFired("drift_check", model, datetime(2015, 10, 8, 16, 53, 6, tzinfo=UTC)) for model in DECODER.models]
SIX = ScheduleFired("drift_check", "flights-delay", datetime(2026, 5, 1, 6, tzinfo=UTC))


def golden(name: str) -> Any:
    return json.loads((GOLDEN / f"{name}.json").read_text("utf-8"))


def told(event: Any) -> list[Any]:
    return [message for envelope in envelopes(event) for message in DECODER.messages(envelope)]


@pytest.mark.parametrize(
    ("name", "messages"),
    [
        ("s3_put", [CAFE]),
        (
            "s3_many",
            [
                ObjectCreated("landing", "m/rows/a.csv", EMPTY),
                ObjectCreated("landing", "m/rows/b.parquet", "0f343b0931126a20f133d67c2b018a3b-2"),
                ObjectCreated("landing", "m/labels/c.csv", EMPTY),
            ],
        ),
        ("s3_post", [ObjectCreated("landing", "m/rows/form.csv", EMPTY)]),
        ("s3_deleted", []),
        ("s3_other", []),
        ("s3_test", []),
        ("eventbridge_created", [PERCENT]),
        ("eventbridge_deleted", []),
        (
            "sqs_eventbridge_reasons",
            [
                ObjectCreated("landing", "m/rows/form.csv", PERCENT.version),
                ObjectCreated("landing", "m/labels/copy.csv", PERCENT.version),
                ObjectCreated("landing", "m/rows/b.parquet", "0f343b0931126a20f133d67c2b018a3b-2"),
            ],
        ),
        ("sqs_eventbridge_other", []),
        ("sqs_eventbridge", [PERCENT, ObjectCreated("landing", "m/rows/b.csv", PERCENT.version)]),
        ("sqs_s3", [CAFE]),
        ("sns_s3", [CAFE]),
        ("sqs_sns_s3", [CAFE]),
        ("sqs_sns_raw", [CAFE]),
        ("sqs_redriven", [PERCENT]),
        ("sns_eventbridge", [PERCENT]),
        ("sns_test", []),
        ("map_item", [ObjectCreated("landing", "flights-delay/score/May 2013/100%.csv")]),
        ("training", [TrainingClaimed("flights-delay", "1a2b3c4d5e6f7081")]),
        ("eventbridge_schedule", STRUCK),
        ("scheduler_schedule", STRUCK),
        ("sqs_schedules", [*STRUCK, *STRUCK, SIX]),
        ("schedule_input", [SIX]),
    ],
)
def test_documented_events(name: str, messages: list[Any]) -> None:
    assert told(golden(name)) == messages


def test_every_golden_event_is_tested() -> None:
    text = "".join(path.read_text("utf-8") for path in Path(__file__).parent.glob("test_*.py"))
    assert [path.stem for path in GOLDEN.glob("*.json") if f'"{path.stem}"' not in text] == []


def test_a_queues_messages_fail_alone() -> None:
    good, no_json, elsewhere = envelopes(golden("sqs_poison"))
    assert DECODER.messages(good) == [PERCENT]
    with pytest.raises(BadInput, match="must be a JSON object; this one begins with 'not JSON'"):
        DECODER.messages(no_json)
    with pytest.raises(BadInput, match="bucket 'somebody-elses' is in no zone of the store s3://acme"):
        DECODER.messages(elsewhere)
    assert failures([str(no_json.id)]) == {"batchItemFailures": [{"itemIdentifier": no_json.id}]}


def test_a_message_tells_how_often_it_was_delivered() -> None:
    assert [envelope.attempt for name in ("sqs_s3", "sqs_redriven") for envelope in envelopes(golden(name))] == [
        1,
        1,
        3,
    ]
    (record, _) = golden("sqs_s3")["Records"]
    for attributes in (None, {}, {"ApproximateReceiveCount": "often"}):
        (envelope,) = envelopes({"Records": [{**record, "attributes": attributes}]})
        assert envelope.attempt == 1


def with_key(key: str) -> Any:
    event = golden("s3_put")
    event["Records"][0]["s3"]["object"]["key"] = key
    return event


@pytest.mark.parametrize(
    "key",
    ["..%2Fx", "..%2F", "%2F", "m/%FF", "m/rows/../../y.csv", "%2Fetc", "m//a", "m/rows/.", "m/%00", "m/" + "é" * 512],
)
def test_keys_that_climb_or_cannot_be_are_refused(key: str) -> None:
    with pytest.raises(BadInput):
        told(with_key(key))


@pytest.mark.parametrize("key", ["m/rows/", "m/"])
def test_folders_of_a_console_are_dropped(key: str) -> None:
    assert told(with_key(key)) == []


@pytest.mark.parametrize("zone", ["", "landing ", "somewhere", 1])
def test_what_a_state_machine_hands_over_is_in_a_zone(zone: Any) -> None:
    with pytest.raises(BadInput):
        told({"zone": zone, "key": "m/score/a.csv"})


@pytest.mark.parametrize("key", ["m/score/../../a.csv", "/m", "m/" + "é" * 512])
def test_keys_that_a_state_machine_hands_over_stay_in_their_zone(key: str) -> None:
    with pytest.raises(BadInput):
        told({"zone": "landing", "key": key})
    assert told({"zone": "landing", "key": "m/score/"}) == []


@pytest.mark.parametrize(
    ("store", "bucket", "key", "place"),
    [
        ("s3://acme-{zone}", "acme-models", "m/route.json", ("models", "m/route.json")),
        ("s3://acme/team/{zone}", "acme", "team/models/m/route.json", ("models", "m/route.json")),
        ("s3://{zone}-acme/team/", "models-acme", "team/m/route.json", ("models", "m/route.json")),
    ],
)
def test_zones_of_every_form_of_store(store: str, bucket: str, key: str, place: tuple[str, str]) -> None:
    assert zone_of(store, bucket, key) == place


@pytest.mark.parametrize(("bucket", "key"), [("acme-modelsx", "k"), ("acme", "k"), ("", "k"), ("ACME-models", "k")])
def test_other_buckets_are_no_zones(bucket: str, key: str) -> None:
    with pytest.raises(BadInput, match="in no zone"):
        zone_of("s3://acme-{zone}", bucket, key)


NAMES = st.sampled_from(["Records", "eventSource", "body", "messageId", "s3", "object", "bucket", "key", "name"])
NAMES |= st.sampled_from(["detail-type", "detail", "Sns", "source", "Message", "Type", "training", "model", "at"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES | st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(NAMES, JSON, max_size=5))
def test_whatever_comes_is_decoded_or_refused_in_a_sentence(event: dict[str, Any]) -> None:
    with suppress(BadInput):
        told(event)
    for body in (json.dumps(event), event):
        with suppress(BadInput):
            DECODER.messages(Envelope("1", body))
