"""Browsers, proxies and platforms: CORS, gzip of answers, other paths."""

import gzip
import json

import pytest

from core.inference import vertex
from core.inference.http import Response
from core.inference.web import WORTH_ZIPPING, Web, accepts_gzip
from tests.penguins import MODEL, ROW, Desk, content, rows, sentence

PREDICT = f"/v1/models/{MODEL}:predict"
PAGE, OTHER = "https://penguins.example", "https://seals.example"


@pytest.fixture(scope="module")
def desk() -> Desk:
    return Desk(default_models=[MODEL], web=Web(frozenset([PAGE])))


def ask_first(desk: Desk, origin: str, **headers: str) -> Response:
    asked = {"origin": origin, "access_control_request_method": "POST", **headers}
    return desk.ask("OPTIONS", PREDICT, **asked)


def test_a_page_that_may_ask_is_told_so(desk: Desk) -> None:
    answer = ask_first(desk, PAGE, access_control_request_headers="content-type, x-request-id")
    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["access-control-allow-origin"] == PAGE
    assert answer.headers["access-control-allow-headers"] == "content-type, x-request-id"
    assert "POST" in answer.headers["access-control-allow-methods"]
    assert answer.headers["vary"] == "origin"


def test_another_page_is_refused(desk: Desk) -> None:
    answer = ask_first(desk, OTHER)
    assert answer.status == 403
    assert OTHER in sentence(answer)
    assert "access-control-allow-origin" not in answer.headers


def test_answers_are_open_to_the_page_alone(desk: Desk) -> None:
    body = {"instances": [ROW]}
    mine, other, none = (
        desk.ask("POST", PREDICT, body, **origin) for origin in ({"origin": PAGE}, {"origin": OTHER}, {})
    )
    assert mine.headers["access-control-allow-origin"] == PAGE
    assert "x-tidemill-model-version" in mine.headers["access-control-expose-headers"]
    assert "access-control-allow-origin" not in other.headers
    assert other.headers["vary"] == "origin"
    assert "vary" not in none.headers


def test_refusals_can_be_read_by_the_page_too(desk: Desk) -> None:
    answer = desk.ask("POST", PREDICT, {"instances": [{}]}, origin=PAGE)
    assert (answer.status, answer.headers["access-control-allow-origin"]) == (400, PAGE)


def test_everyone_may_ask_where_that_is_set() -> None:
    answer = ask_first(Desk(web=Web(frozenset("*"))), OTHER)
    assert (answer.status, answer.headers["access-control-allow-origin"]) == (200, "*")


@pytest.mark.parametrize("names", ["x\r\nset-cookie: a=b", "é", "", "x" * 1001])
def test_header_names_that_are_none_are_not_repeated(desk: Desk, names: str) -> None:
    answer = ask_first(desk, PAGE, access_control_request_headers=names)
    assert "access-control-allow-headers" not in answer.headers


def test_nothing_is_open_by_default() -> None:
    desk = Desk()
    assert ask_first(desk, PAGE).status == 405
    assert "access-control-allow-origin" not in desk.ask("GET", "/v2", origin=PAGE).headers


# gzip -------------------------------------------------------------------------------------------------------


def test_large_answers_are_zipped_when_asked(desk: Desk) -> None:
    body = {"instances": rows(60)}
    plain = desk.ask("POST", PREDICT, body)
    zipped = desk.ask("POST", PREDICT, body, accept_encoding="br, gzip")
    assert "content-encoding" not in plain.headers
    assert (zipped.headers["content-encoding"], zipped.headers["vary"]) == ("gzip", "accept-encoding")
    assert zipped.headers["content-length"] == str(len(zipped.body))
    assert len(zipped.body) < len(plain.body) / 2
    assert json.loads(gzip.decompress(zipped.body))["predictions"] == content(plain)["predictions"]


def test_small_answers_and_other_encodings_are_left_alone(desk: Desk) -> None:
    small = desk.ask("GET", "/v2", accept_encoding="gzip")
    assert len(small.body) < WORTH_ZIPPING
    assert "content-encoding" not in small.headers
    other = desk.ask("GET", "/openapi.json", accept_encoding="br")
    assert (other.headers.get("content-encoding"), other.headers["vary"]) == (None, "accept-encoding")


def test_what_depends_on_both_says_so(desk: Desk) -> None:
    answer = desk.ask("GET", "/openapi.json", accept_encoding="gzip", origin=PAGE)
    assert answer.headers["vary"] == "origin, accept-encoding"


def test_head_tells_the_length_of_what_get_would_give(desk: Desk) -> None:
    got, head = (desk.ask(method, "/openapi.json", accept_encoding="gzip") for method in ("GET", "HEAD"))
    assert head.headers["content-length"] == got.headers["content-length"]
    assert head.body == b""


@pytest.mark.parametrize(
    ("accepted", "does"),
    [
        ("gzip", True),
        ("GZIP ; q=0.5", True),
        ("*", True),
        ("deflate, gzip;q=1.0, *;q=0", True),
        ("gzip;q=0", False),
        ("gzip;q=0, *", False),
        ("*;q=0", False),
        ("identity", False),
        ("", False),
        ("gzip;q=1.2.3", False),
        ("gzip;level=9", False),
    ],
)
def test_accept_encoding_is_read_with_its_weights(accepted: str, *, does: bool) -> None:
    assert accepts_gzip(accepted) is does


# Vertex AI --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("predict", "health"),
    [
        ("/v1/endpoints/17/deployedModels/23:predict", "/v1/endpoints/17/deployedModels/23"),
        ("/predict", "/healthz"),
    ],
)
def test_vertex_asks_on_its_routes(predict: str, health: str) -> None:
    desk = Desk(default_models=[MODEL], web=Web(aliases=vertex.aliases("/predict", "/healthz")))
    assert desk.ask("GET", health).status == 200
    answer = desk.ask("POST", predict, {"instances": [ROW, ROW], "parameters": {"verbose": True}})
    expected = content(desk.predict(ROW, ROW))["predictions"]
    assert content(answer)["predictions"] == expected
    metadata = content(answer)["metadata"]
    assert (metadata["model"], metadata["model_version"]) == (MODEL, "0000000000000001")
    assert len(set(metadata["prediction_ids"])) == 2


def test_without_routes_there_are_no_aliases() -> None:
    assert vertex.aliases(None, None) == {}
    assert Desk(default_models=[MODEL]).ask("POST", "/predict", {"instances": [ROW]}).status == 404
