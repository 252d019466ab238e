"""What devices ask over HTTP: files in ranges, and telemetry, from devices that mean well and others."""

import gzip
import json
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request as UrlRequest
from urllib.request import urlopen

import pytest

from core import layout
from core.domain.access import KeyRing, new_key
from core.domain.telemetry import LARGEST, LARGEST_UNZIPPED
from core.hosts.asgi import App, Server
from core.inference.authorities import make_access
from core.inference.http import Request
from core.runtime import SystemClock
from core.settings import AccessSettings
from core.usecases.devices import Devices
from tests.faults import RecordingStore
from tests.penguins import MODEL, Desk, content, sentence
from tests.telemetry import RELEASE, name_of, record
from tests.unit.inference.fleet import BIG, FEATURES, VERSION, Fleet


@pytest.fixture
def fleet() -> Fleet:
    return Fleet()


# files ------------------------------------------------------------------------------------------------------


def test_a_file_comes_whole_with_its_tag_for_ever(fleet: Fleet) -> None:
    answer = fleet.get("model.onnx", accept_encoding="gzip")
    assert (answer.status, answer.body) == (200, b"onnx " * 1000)
    assert answer.headers["etag"].startswith('"')
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["accept-ranges"] == "bytes"
    assert "content-encoding" not in answer.headers


@pytest.mark.parametrize(
    ("asked", "start", "stop"),
    [("bytes=0-9", 0, 10), ("bytes=10-", 10, 5000), ("bytes=-7", 4993, 5000), ("bytes=4990-9999", 4990, 5000)],
)
def test_a_range_comes_with_where_it_is(fleet: Fleet, asked: str, start: int, stop: int) -> None:
    answer = fleet.get("model.onnx", range=asked)
    assert (answer.status, answer.body) == (206, (b"onnx " * 1000)[start:stop])
    assert answer.headers["content-range"] == f"bytes {start}-{stop - 1}/5000"
    assert answer.headers["content-length"] == str(stop - start)


@pytest.mark.parametrize("asked", ["bytes=0-1,4-5", "lines=0-9", "bytes=9-3", "bytes=-", "bytes=a-b", "nonsense"])
def test_what_is_no_single_range_is_ignored(fleet: Fleet, asked: str) -> None:
    assert fleet.get("model.onnx", range=asked).status == 200


@pytest.mark.parametrize("asked", ["bytes=5000-", "bytes=-0", "bytes=5000-5001"])
def test_a_range_of_nothing_is_refused(fleet: Fleet, asked: str) -> None:
    answer = fleet.get("model.onnx", range=asked)
    assert answer.status == 416
    assert answer.headers["content-range"] == "bytes */5000"
    assert "none of those" in sentence(answer)


def test_who_has_it_is_told_so(fleet: Fleet) -> None:
    tag = fleet.get("model.onnx").headers["etag"]
    for said in (tag, f'"other", W/{tag}', "*"):
        answer = fleet.get("model.onnx", if_none_match=said)
        assert (answer.status, answer.body) == (304, b"")
        assert answer.headers["etag"] == tag
        assert "content-length" not in answer.headers
    assert fleet.get("model.onnx", if_none_match='"other"').status == 200


def test_a_range_of_another_version_is_the_whole(fleet: Fleet) -> None:
    tag = fleet.get("model.onnx").headers["etag"]
    assert fleet.get("model.onnx", range="bytes=0-1", if_range=tag).status == 206
    assert fleet.get("model.onnx", range="bytes=0-1", if_range='"other"').status == 200


def test_a_large_file_comes_in_parts(fleet: Fleet) -> None:
    assert fleet.get("big").status == 413
    assert "Range" in sentence(fleet.get("big"))
    found = b""
    while len(found) < len(BIG):
        answer = fleet.get("big", range=f"bytes={len(found)}-")
        assert answer.status == 206
        assert len(answer.body) <= 4 * 1024 * 1024
        found += answer.body
    assert found == BIG


def test_head_tells_the_same_without_the_content(fleet: Fleet) -> None:
    answer, whole = fleet.get("model.onnx", "HEAD", range="bytes=0-9"), fleet.get("model.onnx")
    assert (answer.status, answer.body) == (200, b"")
    assert {**answer.headers, "x-request-id": ""} == {**whole.headers, "x-request-id": ""}


@pytest.mark.parametrize(
    "path",
    [
        "rollouts/0000000002.json",
        "rollouts/1.json",
        "sequence/0000000001.json",
        "rollouts/model.onnx",
        "0000000001-0f3a5c2e9b1d/manifest.json",
        "north/pi-1",
        "trust/..",
        "../models",
    ],
)
def test_there_is_nothing_else(fleet: Fleet, path: str) -> None:
    fleet.put(fleet.segment())
    assert fleet.ask("GET", f"/edge/{MODEL}/{path}").status == 404


def test_nobody_reads_what_devices_sent(fleet: Fleet) -> None:
    assert fleet.put(fleet.segment()).status == 201
    (key,) = fleet.kept()
    assert fleet.ask("GET", f"/edge/{key}").status == 405
    assert fleet.ask("GET", f"/edge/telemetry/{MODEL}/north").status == 404


def test_where_no_device_is_answered_it_is_told() -> None:
    answer = Desk().ask("GET", f"/edge/{MODEL}/rollouts/0000000001.json")
    assert (answer.status, sentence(answer)) == (404, "devices are not answered here.")


def test_a_device_waits_for_the_store_beside_the_others(fleet: Fleet) -> None:
    fleet.predict({"island": "Dream", "sex": "female", "bill_length": 39.5, "flipper_length": 186, "heavy": False})
    assert fleet.service.may_wait(Request("GET", f"/edge/{MODEL}/rollouts/0000000001.json"))
    assert not fleet.service.may_wait(Request("GET", f"/v1/models/{MODEL}"))


# telemetry --------------------------------------------------------------------------------------------------


def test_a_segment_is_kept_once(fleet: Fleet) -> None:
    data = fleet.segment()
    first = fleet.put(data, if_none_match="*")
    key = layout.edge_telemetry(MODEL, "north", "pi-1", name_of(1, fleet.release))
    assert (first.status, content(first)) == (201, {"key": key, "rows": 3})
    assert fleet.edge.get(key).data == data
    assert fleet.put(data).status == 409
    assert fleet.put(data, if_none_match="*").status == 412
    assert fleet.kept() == [key]


def test_segments_come_in_any_order(fleet: Fleet) -> None:
    for number in (2, 1, 3):
        data = fleet.segment(sequence=number)
        assert fleet.put(data, name=fleet.name(number)).status == 201
    assert len(fleet.kept()) == 3


def test_a_segment_may_tell_of_health_alone(fleet: Fleet) -> None:
    assert content(fleet.put(fleet.segment([])))["rows"] == 0


def bomb() -> bytes:
    return gzip.compress(b"0" * (LARGEST_UNZIPPED + 1))


HOSTILE: list[tuple[str, int, Any]] = [
    ("no gzip", 400, lambda fleet: b"plain"),
    ("nothing", 400, lambda fleet: b""),
    ("half of it", 400, lambda fleet: fleet.segment()[:-9]),
    ("rubbish behind it", 400, lambda fleet: fleet.segment() + b"rubbish"),
    ("a bit flipped", 400, lambda fleet: fleet.segment()[:60] + b"\x00" + fleet.segment()[61:]),
    ("too large", 413, lambda fleet: b"\x1f\x8b" + b"0" * LARGEST),
    ("a bomb", 413, lambda fleet: bomb()),
    ("bombs in a row", 413, lambda fleet: gzip.compress(b"0" * 4_000_000) * 5),
    ("no heading", 400, lambda fleet: gzip.compress(b"\n" + json.dumps(fleet.records()[0]).encode())),
    ("a newer format", 400, lambda fleet: fleet.segment(format=2)),
    ("another device", 400, lambda fleet: fleet.segment(device="pi-2")),
    ("another group", 400, lambda fleet: fleet.segment(group="south")),
    ("another number", 400, lambda fleet: fleet.segment(sequence=2)),
    ("a device of a megabyte", 400, lambda fleet: fleet.segment(device="a" * 1_000_000)),
    ("a path as a device", 400, lambda fleet: fleet.segment(device="../../etc")),
    ("a number as text", 400, lambda fleet: fleet.segment(sequence="1")),
    ("health that is none", 400, lambda fleet: fleet.segment(health=[1])),
    ("fewer records", 400, lambda fleet: fleet.segment(rows=4)),
    ("more records", 400, lambda fleet: fleet.segment(rows=2)),
    ("no records", 400, lambda fleet: fleet.segment([{}, {}])),
    ("a list", 400, lambda fleet: fleet.segment([[1]])),
    ("a field too many", 400, lambda fleet: fleet.segment(fleet.records(passport="1"))),
    ("another model", 400, lambda fleet: fleet.segment([record("weights", VERSION, 0, FEATURES)])),
    ("another version", 400, lambda fleet: fleet.segment([record(MODEL, "v2", 0, FEATURES)])),
    ("another release", 400, lambda fleet: fleet.segment(release=RELEASE)),
    ("another version in its heading", 400, lambda fleet: fleet.segment([], version="v2")),
    ("a path as a release", 400, lambda fleet: fleet.segment(release="../../models")),
    ("an unlogged column", 422, lambda fleet: fleet.segment([record(MODEL, VERSION, 0, {**FEATURES, "sex": "male"})])),
    ("an unknown column", 422, lambda fleet: fleet.segment([record(MODEL, VERSION, 0, {**FEATURES, "wings": 2})])),
    ("a sensitive column", 422, lambda fleet: fleet.segment(fleet.records(sensitive={"colony": "A"}))),
]


@pytest.mark.parametrize(("status", "make"), [case[1:] for case in HOSTILE], ids=[case[0] for case in HOSTILE])
def test_what_a_hostile_device_sends_is_refused_in_a_sentence(fleet: Fleet, status: int, make: Any) -> None:
    answer = fleet.put(make(fleet))
    assert answer.status == status, answer.body
    assert len(sentence(answer)) < 400
    assert fleet.kept() == []


def test_a_segment_is_of_a_release_that_there_is(fleet: Fleet) -> None:
    answer = fleet.put(fleet.segment(release=RELEASE), name=f"{name_of(1)}.jsonl.gz")
    assert (answer.status, sentence(answer)) == (404, f"there is no release {RELEASE} of model {MODEL}.")


def test_many_small_members_cost_little(fleet: Fleet) -> None:
    empty = gzip.compress(b"", mtime=0)
    data = fleet.segment() + empty * ((LARGEST - 2000) // len(empty))
    assert fleet.put(data).status == 201


@pytest.mark.parametrize(
    ("place", "name", "status"),
    [
        ("north/" + "a" * 64, None, 400),
        ("north/-pi", None, 400),
        (f"north/{'a' * 1_000_000}", None, 404),
        ("north/..", None, 400),
        ("north/pi-1", "x.jsonl.gz", 400),
        ("north/pi-1", f"{name_of(1)}.json", 404),
        ("north", None, 404),
        ("a/b/c", None, 404),
    ],
    ids=["long", "sign first", "a megabyte", "climbing", "no number", "no segment", "no device", "too deep"],
)
def test_names_are_bounded(fleet: Fleet, place: str, name: str | None, status: int) -> None:
    assert fleet.put(fleet.segment(), place, name).status == status
    assert fleet.kept() == []


@pytest.mark.parametrize("model", ["weights", "No Model", "a" * 64])
def test_telemetry_is_taken_of_models_that_were_released_alone(fleet: Fleet, model: str) -> None:
    answer = fleet.ask("PUT", f"/edge/telemetry/{model}/north/pi-1/{fleet.name()}", fleet.segment())
    assert (answer.status, fleet.kept()) == (404, [])


def test_a_segment_goes_as_it_is(fleet: Fleet) -> None:
    assert fleet.put(fleet.segment(), content_encoding="gzip").status == 415


def test_a_device_reads_and_creates_and_nothing_else() -> None:
    fleet = Fleet()
    devices = Devices(seen := RecordingStore(fleet.edge, "edge"))
    devices.read(devices.find(MODEL, fleet.release, "model.onnx"), 0, 10)
    for number in (1, 2):
        devices.keep(MODEL, "north", "pi-1", name_of(number, fleet.release), fleet.segment(sequence=number))
    assert seen.verbs() == {"head", "get", "get_range", "create"}


# who may ----------------------------------------------------------------------------------------------------


def test_a_key_is_of_models_not_of_devices() -> None:
    """What is authenticated is the model: a key of it may send as any device of it."""
    now = SystemClock().now()
    ours, secret = new_key("ours", "one", "devices", [MODEL], now, None)
    theirs, other = new_key("theirs", "two", "others", ["weights"], now, None)
    fleet = Fleet(access=make_access(AccessSettings(("keys",), keys=KeyRing((ours, theirs)).encode())))
    assert fleet.get("model.onnx").status == 401
    assert fleet.put(fleet.segment()).status == 401
    assert fleet.get("model.onnx", **{"x-api-key": other}).status == 403
    assert fleet.put(fleet.segment(), **{"x-api-key": other}).status == 403
    assert fleet.get("model.onnx", **{"x-api-key": secret}).status == 200
    assert fleet.put(fleet.segment(device="pi-7"), "north/pi-7", **{"x-api-key": secret}).status == 201


# over a real connection -------------------------------------------------------------------------------------


def asked(url: str, method: str = "GET", data: bytes | None = None, **headers: str) -> tuple[int, bytes, Any]:
    request = UrlRequest(url, data, headers, method=method)
    try:
        with urlopen(request, timeout=10) as answer:
            return answer.status, answer.read(), answer.headers
    except HTTPError as error:
        return error.code, error.read(), error.headers


def test_over_http(fleet: Fleet) -> None:
    with Server(App(fleet.service)) as server:
        file = f"{server.url}/edge/{MODEL}/{fleet.release}/model.onnx"
        status, body, headers = asked(file, Range="bytes=5-9")
        assert (status, body, headers["content-range"]) == (206, b"onnx ", "bytes 5-9/5000")
        status, body, _ = asked(file, **{"If-None-Match": headers["etag"]})
        assert (status, body) == (304, b"")
        segment_url = f"{server.url}/edge/telemetry/{MODEL}/north/pi-1/{fleet.name()}"
        assert asked(segment_url, "PUT", fleet.segment())[0] == 201
        assert asked(segment_url, "PUT", fleet.segment(), **{"If-None-Match": "*"})[0] == 412
