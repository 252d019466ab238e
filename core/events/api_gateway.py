"""HTTP on AWS Lambda: API Gateway, function URLs and load balancers -> a request; an answer -> what they take.

Pure functions. Sources: payload format 2.0 and 1.0,
https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html; function URLs,
https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html; load balancers,
https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urlencode

from ..errors import BadInput
from ..inference.http import Request, Response

DEFAULT_STAGE = "$default"


def decode(event: Mapping[str, Any]) -> Request:
    """The request that an event tells of; raises BadInput if it tells of none."""
    try:
        if event.get("version") == "2.0":
            return _payload_2(event)
        if "httpMethod" in event:
            return _payload_1(event)
    except (KeyError, TypeError, AttributeError) as error:
        raise BadInput(f"the event is like one of API Gateway, but cannot be read: {error!r}.") from error
    raise BadInput("the event is no HTTP request of API Gateway, of a function URL or of a load balancer.")


def encode(response: Response) -> dict[str, Any]:
    """The answer as each of them takes it; what is no text goes as base64. The gateway counts the length itself."""
    headers = {name: value for name, value in response.headers.items() if name != "content-length"}
    is_text = "content-encoding" not in headers and headers.get("content-type", "").startswith(
        ("application/json", "text/")
    )
    body = response.body.decode() if is_text else base64.b64encode(response.body).decode("ascii")
    return {"statusCode": int(response.status), "headers": headers, "body": body, "isBase64Encoded": not is_text}


def _payload_2(event: Mapping[str, Any]) -> Request:
    context = event["requestContext"]
    headers = {name.lower(): value for name, value in event.get("headers", {}).items()}
    if event.get("cookies"):
        headers["cookie"] = "; ".join(event["cookies"])
    path = _without_stage(event["rawPath"], context.get("stage", DEFAULT_STAGE))
    query = event.get("rawQueryString") or ""
    return Request(context["http"]["method"], unquote(path), query, headers, _body(event))


def _without_stage(path: str, stage: str) -> str:
    """Paths of a named stage begin with it."""
    prefix = f"/{stage}"
    return path.removeprefix(prefix) or "/" if path == prefix or path.startswith(prefix + "/") else path


def _payload_1(event: Mapping[str, Any]) -> Request:
    """Of REST APIs, and of load balancers, which tell either one value a name or all of them."""
    many = event.get("multiValueHeaders") or {name: [value] for name, value in (event.get("headers") or {}).items()}
    headers = {name.lower(): ",".join(values) for name, values in many.items()}
    query = event.get("multiValueQueryStringParameters") or event.get("queryStringParameters") or {}
    return Request(event["httpMethod"], unquote(event["path"]), urlencode(query, doseq=True), headers, _body(event))


def _body(event: Mapping[str, Any]) -> bytes:
    text = event.get("body") or ""
    if not event.get("isBase64Encoded"):
        return str(text).encode("utf-8", "surrogatepass")
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise BadInput("the body says that it is base64, but is not.") from error
