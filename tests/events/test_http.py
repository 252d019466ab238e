"""HTTP as AWS documents it: what a request is made of, whichever way it came."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from core.errors import BadInput
from core.events.api_gateway import decode

GOLDEN = Path(__file__).parent / "golden"


def golden(name: str) -> Any:
    return json.loads((GOLDEN / f"{name}.json").read_text("utf-8"))


@pytest.mark.parametrize(
    ("name", "query", "headers"),
    [
        (
            "http_api",
            "parameter1=value1&parameter1=value2&parameter2=value",
            {"content-type": "application/json", "header2": "value1,value2", "cookie": "cookie1; cookie2"},
        ),
        (
            "function_url",
            "",
            {
                "content-type": "application/json",
                "x-forwarded-proto": "https",
                "host": "url-id.lambda-url.us-west-2.on.aws",
            },
        ),
    ],
)
def test_documented_requests(name: str, query: str, headers: dict[str, str]) -> None:
    request = decode(golden(name))
    assert (request.method, request.path) == ("POST", "/v1/models/penguins:predict")
    assert request.body == b'{"instances": []}'
    assert (request.query, dict(request.headers)) == (query, headers)


@pytest.mark.parametrize("field", ["rawPath", "requestContext"])
@pytest.mark.parametrize("name", ["http_api", "function_url"])
def test_a_request_that_is_not_as_documented_is_refused(name: str, field: str) -> None:
    event = golden(name)
    del event[field]
    with pytest.raises(BadInput, match="like one of API Gateway, but cannot be read"):
        decode(event)


@pytest.mark.parametrize("name", ["s3_put", "sqs_s3", "eventbridge_schedule"])
def test_an_event_of_another_kind_is_no_request(name: str) -> None:
    with pytest.raises(BadInput, match="no HTTP request"):
        decode(golden(name))
