"""HTTP events as AWS documents them, through the handler that Lambda calls."""

import base64
import gzip
import json
from typing import Any

import pytest

from core.errors import BadInput, Transient
from core.events.api_gateway import decode, encode
from core.hosts.aws_lambda import LARGEST, LARGEST_BALANCED, http_handler
from core.inference.http import Response
from tests.penguins import MODEL, ROW, Desk

# https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
PAYLOAD_2: dict[str, Any] = {
    "version": "2.0",
    "routeKey": "$default",
    "rawPath": "/my/path",
    "rawQueryString": "parameter1=value1&parameter1=value2&parameter2=value",
    "cookies": ["cookie1", "cookie2"],
    "headers": {"header1": "value1", "header2": "value1,value2"},
    "queryStringParameters": {"parameter1": "value1,value2", "parameter2": "value"},
    "requestContext": {
        "accountId": "123456789012",
        "apiId": "api-id",
        "domainName": "id.execute-api.us-east-1.amazonaws.com",
        "domainPrefix": "id",
        "http": {
            "method": "POST",
            "path": "/my/path",
            "protocol": "HTTP/1.1",
            "sourceIp": "192.0.2.1",
            "userAgent": "agent",
        },
        "requestId": "id",
        "routeKey": "$default",
        "stage": "$default",
        "time": "12/Mar/2020:19:03:58 +0000",
        "timeEpoch": 1583348638390,
    },
    "body": "Hello from Lambda",
    "pathParameters": {"parameter1": "value1"},
    "isBase64Encoded": False,
    "stageVariables": {"stageVariable1": "value1", "stageVariable2": "value2"},
}
PAYLOAD_1: dict[str, Any] = {
    "version": "1.0",
    "resource": "/my/path",
    "path": "/my/path",
    "httpMethod": "GET",
    "headers": {"header1": "value1", "header2": "value2"},
    "multiValueHeaders": {"Header1": ["value1"], "header2": ["value1", "value2"]},
    "queryStringParameters": {"parameter1": "value1", "parameter2": "value"},
    "multiValueQueryStringParameters": {"parameter1": ["value1", "value2"], "parameter2": ["value"]},
    "requestContext": {
        "accountId": "123456789012",
        "apiId": "id",
        "httpMethod": "GET",
        "path": "/my/path",
        "stage": "$default",
    },
    "pathParameters": None,
    "stageVariables": None,
    "body": None,
    "isBase64Encoded": False,
}


BALANCED: dict[str, Any] = {
    "requestContext": {"elb": {"targetGroupArn": "arn"}},
    "httpMethod": "GET",
    "path": "/ping",
    "queryStringParameters": {},
    "headers": {},
    "body": "",
}


def asking(body: bytes | str, path: str = f"/v1/models/{MODEL}:predict", **changes: Any) -> dict[str, Any]:
    zipped = isinstance(body, bytes)
    text = base64.b64encode(body).decode() if isinstance(body, bytes) else body
    headers = {"content-type": "application/json", **({"content-encoding": "gzip"} if zipped else {})}
    return {
        **PAYLOAD_2,
        "rawPath": path,
        "rawQueryString": "",
        "headers": headers,
        "body": text,
        "isBase64Encoded": zipped,
        **changes,
    }


def test_payload_format_2() -> None:
    request = decode(PAYLOAD_2)
    assert (request.method, request.path, request.body) == ("POST", "/my/path", b"Hello from Lambda")
    assert request.query == "parameter1=value1&parameter1=value2&parameter2=value"
    assert request.headers == {"header1": "value1", "header2": "value1,value2", "cookie": "cookie1; cookie2"}


def test_payload_format_1() -> None:
    request = decode(PAYLOAD_1)
    assert (request.method, request.path, request.body) == ("GET", "/my/path", b"")
    assert request.query == "parameter1=value1&parameter1=value2&parameter2=value"
    assert request.headers == {"header1": "value1", "header2": "value1,value2"}


def test_a_load_balancer_tells_one_value_a_name() -> None:
    event = {"requestContext": {"elb": {"targetGroupArn": "arn"}}, "httpMethod": "GET", "path": "/ping"}
    request = decode({**event, "queryStringParameters": {"a": "1"}, "headers": {"Accept": "*/*"}, "body": ""})
    assert (request.query, request.headers) == ("a=1", {"accept": "*/*"})


@pytest.mark.parametrize(
    ("path", "stage", "expected"),
    [
        ("/prod/ping", "prod", "/ping"),
        ("/prod", "prod", "/"),
        ("/production/ping", "prod", "/production/ping"),
        ("/ping", "$default", "/ping"),
        ("/v2/models/%70enguins", "$default", "/v2/models/penguins"),
    ],
)
def test_a_path_is_told_without_its_stage_and_decoded(path: str, stage: str, expected: str) -> None:
    context = {**PAYLOAD_2["requestContext"], "stage": stage}
    assert decode({**PAYLOAD_2, "rawPath": path, "requestContext": context}).path == expected


@pytest.mark.parametrize(
    "event", [{}, {"Records": []}, {"version": "2.0"}, {"version": "2.0", "requestContext": {}}, {"httpMethod": "GET"}]
)
def test_what_is_no_request_is_refused(event: dict[str, Any]) -> None:
    with pytest.raises(BadInput, match="the event is"):
        decode(event)


def test_text_goes_as_it_is_and_the_rest_as_base64() -> None:
    text = encode(Response(200, {"content-type": "application/json", "content-length": "9"}, '{"é":1}'.encode()))
    assert text == {
        "statusCode": 200,
        "headers": {"content-type": "application/json"},
        "body": '{"é":1}',
        "isBase64Encoded": False,
    }
    for headers in (
        {"content-type": "application/octet-stream"},
        {"content-type": "text/csv", "content-encoding": "gzip"},
    ):
        answer = encode(Response(200, headers, b"\xff\x00"))
        assert (answer["isBase64Encoded"], base64.b64decode(answer["body"])) == (True, b"\xff\x00")


@pytest.mark.parametrize("zipped", [False, True])
def test_rows_are_answered_and_recorded_before_the_answer_is_given(zipped: bool) -> None:
    desk = Desk(mode="sync")
    body = json.dumps({"instances": [ROW]})
    answer = http_handler(desk.service)(asking(gzip.compress(body.encode()) if zipped else body), None)
    assert (answer["statusCode"], answer["isBase64Encoded"]) == (200, False)
    assert answer["headers"]["x-tidemill-model-version"] == "0000000000000001"
    assert json.loads(answer["body"])["predictions"][0]["label"] == "Adelie"
    assert len(list(desk.predictions.list(""))) == 1


def test_a_body_that_is_no_base64_is_400() -> None:
    answer = http_handler(Desk().service)({**asking("*"), "isBase64Encoded": True}, None)
    assert (answer["statusCode"], json.loads(answer["body"])["error"]) == (
        400,
        "the body says that it is base64, but is not.",
    )


def test_an_event_of_another_kind_fails_loudly() -> None:
    with pytest.raises(BadInput, match="no HTTP request"):
        http_handler(Desk().service)({"Records": []}, None)


def test_buffered_pages_are_written_when_they_are_due() -> None:
    desk = Desk()
    handler = http_handler(desk.service)
    event = asking(json.dumps({"instances": [ROW]}))
    handler(event, None)
    desk.clock.advance(6)
    handler(event, None)
    assert [len(records) for records in desk.records().values()] == [2]


def test_an_answer_is_given_though_the_store_is_away(caplog: pytest.LogCaptureFixture) -> None:
    desk = Desk()

    def away() -> None:
        raise Transient("the store is away.")

    desk.service.tick = away  # type: ignore[method-assign]
    assert http_handler(desk.service)(asking(json.dumps({"instances": [ROW]})), None)["statusCode"] == 200
    assert "could not be looked after: the store is away." in caplog.text


def answering(body: bytes, **headers: str) -> Any:
    """A handler whose every answer is this."""
    desk = Desk()
    response = Response(200, {"content-type": "application/json", "x-request-id": "r-1", **headers}, body)
    desk.service.handle = lambda _request: response  # type: ignore[method-assign]
    return http_handler(desk.service)


def size(answer: dict[str, Any]) -> int:
    """Bytes of what Lambda's runtime client sends."""
    return len(json.dumps(answer, ensure_ascii=False).encode())


QUOTED = b'"' * 1000
"""Text that takes twice its length within JSON."""


@pytest.mark.parametrize(("event", "largest"), [(asking("{}"), LARGEST), (BALANCED, LARGEST_BALANCED)])
def test_an_answer_that_cannot_be_sent_is_one_sentence_instead(event: dict[str, Any], largest: int) -> None:
    most = largest // 2000 - 1
    fits = answering(QUOTED * most)(event, None)
    assert (fits["statusCode"], len(fits["body"])) == (200, 1000 * most)
    assert largest - 4000 < size(fits) <= largest
    refused = answering(QUOTED * (most + 2))(event, None)
    assert (refused["statusCode"], refused["headers"]["x-request-id"]) == (413, "r-1")
    assert json.loads(refused["body"])["error"] == (
        f"the answer is larger than the {largest} bytes that can be sent: ask for fewer rows, or accept gzip."
    )


def test_a_large_answer_is_sent_zipped_to_who_accepts_that() -> None:
    desk = Desk(max_body=LARGEST)
    body = json.dumps({"instances": [ROW] * 40_000})
    plain = http_handler(desk.service)(asking(body), None)
    assert plain["statusCode"] == 413
    headers = {"content-type": "application/json", "accept-encoding": "gzip"}
    zipped = http_handler(desk.service)(asking(body, headers=headers), None)
    assert (zipped["statusCode"], zipped["headers"]["content-encoding"]) == (200, "gzip")
    assert len(json.loads(gzip.decompress(base64.b64decode(zipped["body"])))["predictions"]) == 40_000
