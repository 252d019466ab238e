"""The report site beside the endpoint: `GET /reports/<key>` reads the reports zone, `/` leads to its first page."""

from __future__ import annotations

import asyncio
from http import HTTPStatus

from ...errors import BadInput, NotFound, TidemillError
from ...inference.http import Response, problem
from ...layout import SITE_INDEX, check_file_name
from ...ports import Reads
from ..asgi import Application, Receive, Scope, Send

PREFIX = "/reports/"
TYPES = {".html": "text/html; charset=utf-8", ".json": "application/json"}
"""What is shown; the zone holds nothing else that is for people."""
ALWAYS = {"cache-control": "no-cache", "x-content-type-options": "nosniff"}


class WithSite:
    """An ASGI application that answers for the site and passes everything else on, at the cost of one comparison."""

    def __init__(self, inner: Application, reports: Reads) -> None:
        self._inner = inner
        self._reports = reports

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection, or the application's life."""
        if scope["type"] != "http" or not (scope["path"] == "/" or scope["path"].startswith("/reports")):
            await self._inner(scope, receive, send)
            return
        known = dict(scope["headers"]).get(b"if-none-match", b"").decode("latin-1")
        answer = await asyncio.to_thread(respond, self._reports, scope["method"], scope["path"], known)
        headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers.items()]
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else answer.body})


def respond(reports: Reads, method: str, path: str, known: str = "") -> Response:
    """The answer to a request for a page; `path` is decoded, `known` is the ETag that the client has already."""
    if method not in {"GET", "HEAD"}:
        return problem(HTTPStatus.METHOD_NOT_ALLOWED, "reports are read with GET.", {"allow": "GET, HEAD"})
    if path in {"/", "/reports"} or path.endswith("/"):
        return _moved(f"{PREFIX.rstrip('/') if path == '/' else path.rstrip('/')}/{SITE_INDEX}")
    try:
        return _page(reports, path, known)
    except BadInput as error:
        return problem(HTTPStatus.NOT_FOUND, str(error))
    except TidemillError as error:
        return problem(error.status, str(error))


def _moved(place: str) -> Response:
    """Temporarily, since what is at a folder may change. Two slashes at the start would name another host."""
    where = "/" + place.lstrip("/").replace("\r", "").replace("\n", "")
    return Response(HTTPStatus.TEMPORARY_REDIRECT, {"location": where, "content-length": "0"}, b"")


def _page(reports: Reads, path: str, known: str) -> Response:
    key = check_file_name(path.removeprefix(PREFIX))
    kind = next((kind for suffix, kind in TYPES.items() if key.endswith(suffix)), None)
    if kind is None or not path.startswith(PREFIX):
        raise NotFound(f"there is no page at {path[:200]!r}: the first one is {PREFIX}{SITE_INDEX}.")
    try:
        blob = reports.get(key)
    except NotFound:
        if key != SITE_INDEX:
            raise
        return Response(HTTPStatus.OK, {"content-type": kind, **ALWAYS}, _nothing_yet())
    tag = f'"{blob.info.version.strip(chr(34))}"'
    headers = {"content-type": kind, "etag": tag, **ALWAYS}
    if known == tag:
        return Response(HTTPStatus.NOT_MODIFIED, headers, b"")
    return Response(HTTPStatus.OK, headers, blob.data)


def _nothing_yet() -> bytes:
    """The first page of a store in which nothing was decided yet tells how to begin."""
    from ...report.pages import overview_page  # noqa: PLC0415 - templates are needed for this alone

    return overview_page([])
