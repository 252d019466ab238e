"""One function answers every request: paths, methods, headers, errors, and whatever a stranger may send."""

import gzip
import json
import logging
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.domain.columns import Columns, Outputs
from core.inference.http import Request
from tests.penguins import MODEL, ROW, Desk, content, sentence

DESK = Desk(default_models=[MODEL])
PREDICT = f"/v1/models/{MODEL}:predict"
INFER = f"/v2/models/{MODEL}/infer"


def test_every_answer_has_its_ids() -> None:
    answer = DESK.ask("POST", PREDICT, {"instances": [ROW, ROW]}, x_request_id="mine-1")
    assert answer.headers["x-request-id"] == "mine-1"
    assert answer.headers["x-tidemill-model-version"] == "0000000000000001"
    assert answer.headers["content-length"] == str(len(answer.body))
    assert len(content(answer)["prediction_ids"]) == 2


def test_a_refusal_has_its_ids_too() -> None:
    answer = DESK.ask("POST", PREDICT, {"instances": [{}]})
    assert answer.status == 400
    assert len(answer.headers["x-request-id"]) == 32
    assert answer.headers["x-tidemill-model-version"] == "0000000000000001"


UNKNOWN = [
    ("GET", "/", "there is nothing at '/'"),
    ("GET", "/v3", "there is nothing at '/v3'"),
    ("POST", "/v1/models/none:predict", "there is no model 'none' that serves"),
    ("POST", "/v2/models/none/infer", "there is no model 'none' that serves"),
    ("GET", "/v2/models/NONE", "there is no model 'NONE'."),
    ("GET", f"/v2/models/{MODEL}/versions/9", "model penguins has no version 9: `tidemill models show penguins`"),
    ("POST", f"/v1/models/{MODEL}/versions/9:predict", "model penguins has no version 9"),
    ("GET", f"/v2/models/{MODEL}/versions/../ready", "there is nothing at"),
]


@pytest.mark.parametrize(("method", "path", "message"), UNKNOWN)
def test_what_is_not_there_is_404(method: str, path: str, message: str) -> None:
    answer = DESK.ask(method, path, {"instances": [ROW]} if method == "POST" else None)
    assert answer.status == 404
    assert sentence(answer).startswith(message)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", PREDICT, "POST"),
        ("HEAD", INFER, "POST"),
        ("DELETE", f"/v2/models/{MODEL}", "GET, HEAD"),
        ("POST", "/ping", "GET, HEAD"),
        ("BREW", "/v2", "GET, HEAD"),
    ],
)
def test_other_methods_are_405_and_tell_which_are_allowed(method: str, path: str, allowed: str) -> None:
    answer = DESK.ask(method, path)
    assert (answer.status, answer.headers["allow"]) == (405, allowed)


def test_head_is_get_without_its_body() -> None:
    got, head = DESK.ask("GET", "/openapi.json"), DESK.ask("HEAD", "/openapi.json")
    assert (head.status, head.body) == (200, b"")
    assert head.headers["content-length"] == str(len(got.body))


def test_a_slash_at_the_end_does_not_matter() -> None:
    assert DESK.ask("GET", "/v2/").status == 200


@pytest.mark.parametrize("path", [PREDICT, INFER, "/invocations"])
def test_limits_types_and_encodings_hold_everywhere(path: str) -> None:
    desk = Desk(default_models=[MODEL], max_body=1000)
    assert desk.ask("POST", path, b" " * 1001).status == 413
    assert desk.ask("POST", path, gzip.compress(b" " * 1001), content_encoding="gzip").status == 413
    assert desk.ask("POST", path, b"{}", content_type="text/plain").status == 415
    assert desk.ask("POST", path, b"{}", content_encoding="zstd").status == 415
    assert desk.ask("POST", path, b"{}", content_encoding="gzip").status == 400


def test_gzip_is_answered() -> None:
    body = gzip.compress(json.dumps({"instances": [ROW]}).encode())
    assert DESK.ask("POST", PREDICT, body, content_encoding="gzip").status == 200


def test_ready_means_that_a_model_is_loaded() -> None:
    desk = Desk(default_models=[MODEL])
    route = desk.models.get(f"{MODEL}/route.json").data
    desk.models.delete(f"{MODEL}/route.json")
    desk.service.start()
    for path in ("/v2/health/ready", "/ping"):
        assert desk.ask("GET", path).status == 503
        assert sentence(desk.ask("GET", path)).startswith("no model is loaded yet. penguins: there is no model")
    assert desk.ask("GET", "/v2/health/live").status == 200
    desk.models.create(f"{MODEL}/route.json", route)
    assert desk.ask("GET", "/ping").status == 200
    assert desk.cache.models == (MODEL,)


def test_a_version_that_cannot_be_served_is_503() -> None:
    desk = Desk()
    key = f"{MODEL}/versions/0000000000000001/model.onnx"
    desk.models.put(key, b"spoilt")
    answer = desk.predict(ROW)
    assert answer.status == 503
    assert sentence(answer).startswith("version 0000000000000001 of model penguins is not ready: file model.onnx")


def test_ticking_loads_what_appeared_and_follows_promotions() -> None:
    desk = Desk(default_models=[MODEL])
    desk.service.tick()
    assert desk.cache.models == (MODEL,)


def test_hosts_are_told_which_requests_may_wait_for_the_store() -> None:
    desk = Desk()
    ping, predict = Request("GET", "/ping"), Request("POST", PREDICT)
    version = Request("POST", f"/v2/models/{MODEL}/versions/0000000000000002/infer")
    assert [desk.service.may_wait(each) for each in (ping, predict, version)] == [True, True, True]
    desk.predict(ROW)
    assert [desk.service.may_wait(each) for each in (ping, predict, version)] == [False, False, True]
    desk.cache.version(MODEL, "0000000000000002")
    desk.clock.advance(5)
    assert [desk.service.may_wait(each) for each in (ping, predict, version)] == [True, True, False]


def test_every_request_may_wait_where_answers_are_recorded_first() -> None:
    desk = Desk(mode="sync")
    desk.predict(ROW)
    assert desk.service.may_wait(Request("POST", PREDICT))


class Broken:
    def predict(self, columns: Columns) -> Outputs:
        raise ZeroDivisionError("secret detail")


def test_what_breaks_inside_is_logged_and_told_without_its_detail(caplog: pytest.LogCaptureFixture) -> None:
    desk = Desk()
    desk.cache.champion(MODEL)
    served = desk.cache._slots[MODEL].served
    msgspec.structs.force_setattr(served.loaded, "predictor", Broken())
    with caplog.at_level(logging.ERROR):
        answer = desk.ask("POST", PREDICT, {"instances": [ROW]}, x_request_id="find-me")
    assert answer.status == 500
    assert sentence(answer) == "something went wrong here: the log tells of find-me."
    assert "ZeroDivisionError: secret detail" in caplog.text
    assert caplog.records[-1].__dict__["facts"]["request_id"] == "find-me"


# strangers --------------------------------------------------------------------------------------------------

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from([*ROW.values()]),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from([*ROW, "id", "shape"]), inner, max_size=4)
    ),
    max_leaves=12,
)
tensor = st.fixed_dictionaries(
    {},
    optional={
        "name": st.sampled_from([*ROW, "wings"]) | values,
        "shape": st.lists(st.integers(-2, 3), max_size=3) | values,
        "datatype": st.sampled_from(["BYTES", "FP64", "INT64", "BOOL", "UINT8", "X"]) | values,
        "data": st.lists(values, max_size=3) | values,
    },
)
bodies = st.one_of(
    values,
    st.fixed_dictionaries({}, optional={"instances": st.lists(values, max_size=3) | values, "inputs": values}),
    st.fixed_dictionaries({"inputs": st.lists(tensor, max_size=5)}, optional={"id": values, "outputs": values}),
)


def is_whole(answer: Any) -> None:
    assert answer.status < 500, answer.body
    assert b"Traceback" not in answer.body
    if answer.status != 200:
        assert sentence(answer).endswith((".", ">"))


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from([PREDICT, INFER, "/invocations"]), bodies)
def test_no_json_breaks_it(path: str, body: object) -> None:
    is_whole(DESK.ask("POST", path, json.dumps(body).encode()))


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from([PREDICT, INFER, "/invocations"]),
    st.binary(max_size=200) | st.just(json.dumps({"instances": [ROW]}).encode()),
    st.sampled_from(["", "application/json", "text/csv", "text/csv; header=present", "text/csv;header=absent", "x/y"]),
    st.sampled_from(["", "gzip", "br"]),
)
def test_no_bytes_break_it(path: str, body: bytes, kind: str, encoding: str) -> None:
    is_whole(DESK.ask("POST", path, body, content_type=kind, content_encoding=encoding))


@settings(max_examples=200, deadline=None)
@given(
    st.text(max_size=8), st.text(max_size=40).map(lambda path: "/" + path) | st.sampled_from(["/v2/models/\0", "//"])
)
def test_no_path_breaks_it(method: str, path: str) -> None:
    is_whole(DESK.service.handle(Request(method, path)))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.text(alphabet="ab\0\n\r\t\"'é\U0001f427,"), min_size=1, max_size=3))
def test_no_text_breaks_a_category(texts: list[str]) -> None:
    is_whole(DESK.predict(*[{**ROW, "sex": text} for text in texts]))
