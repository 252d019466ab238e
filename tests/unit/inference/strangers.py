"""Sending a request to a service through each host, as its platform does: the pure function, ASGI, AWS Lambda."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias
from urllib.parse import quote

from core.hosts.asgi import App
from core.hosts.aws_lambda import http_handler
from core.inference.http import Request, Response
from core.inference.service import Service

Host: TypeAlias = Callable[[Service, Request], Response]
CHUNKS = 3
"""In how many parts a body comes over ASGI."""


def directly(service: Service, request: Request) -> Response:
    return service.handle(request)


def by_asgi(service: Service, request: Request) -> Response:
    """As uvicorn tells of it: names of headers in lower case, the body in parts and without its length."""
    size = len(request.body) // CHUNKS + 1
    parts = [request.body[at : at + size] for at in range(0, len(request.body), size)] or [b""]
    messages = [{"type": "http.request", "body": part, "more_body": True} for part in parts[:-1]]
    messages.append({"type": "http.request", "body": parts[-1], "more_body": False})
    sent: list[Any] = []

    async def receive() -> Any:
        return messages.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": request.method,
        "path": request.path,
        "query_string": request.query.encode("latin-1"),
        "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in request.headers.items()],
    }
    asyncio.run(App(service)(scope, receive, send))
    start, body = sent
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in start["headers"]}
    return Response(start["status"], headers, body["body"])


def by_api_gateway(service: Service, request: Request) -> Response:
    """An HTTP API: what can be text comes as text."""
    try:
        body: Mapping[str, Any] = {"body": request.body.decode(), "isBase64Encoded": False}
    except UnicodeDecodeError:
        body = _as_base64(request.body)
    return _by_lambda(service, request, body)


def by_function_url(service: Service, request: Request) -> Response:
    """A function URL, with the body as base64."""
    return _by_lambda(service, request, _as_base64(request.body))


HOSTS: dict[str, Host] = {each.__name__: each for each in (directly, by_asgi, by_api_gateway, by_function_url)}


def _as_base64(body: bytes) -> dict[str, Any]:
    return {"body": base64.b64encode(body).decode("ascii"), "isBase64Encoded": True}


def _by_lambda(service: Service, request: Request, body: Mapping[str, Any]) -> Response:
    path = quote(request.path)
    event = {
        "version": "2.0",
        "rawPath": path,
        "rawQueryString": request.query,
        "headers": dict(request.headers),
        "requestContext": {"stage": "$default", "http": {"method": request.method, "path": path}},
        **body,
    }
    answer = http_handler(service)(json.loads(json.dumps(event)), None)
    json.dumps(answer, allow_nan=False)  # Lambda sends it on as JSON
    given = answer["body"]
    content = base64.b64decode(given, validate=True) if answer["isBase64Encoded"] else given.encode()
    return Response(answer["statusCode"], {**answer["headers"], "content-length": str(len(content))}, content)
