"""What browsers, proxies and platforms want of an HTTP service, whatever it answers: CORS, gzip, other paths.

Sources: https://fetch.spec.whatwg.org/#http-cors-protocol and RFC 9110, sections 8.4 and 12.5.3
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping
from http import HTTPStatus

import msgspec
from msgspec.structs import replace

from .http import MODEL_VERSION, REQUEST_ID, Request, Response, problem
from .tensors import HEADER

ANYONE = "*"
WORTH_ZIPPING = 1024
"""Bytes of an answer from which gzip saves more than it costs."""
PREFLIGHT_AGE = "600"
"""Seconds that a browser may remember the answer to a preflight."""

_LEVEL = 1
_EXPOSED = ", ".join((REQUEST_ID, MODEL_VERSION, HEADER, "retry-after", "etag", "content-range"))
_HEADER_NAMES = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~, -]{1,1000}")
_CODING = re.compile(r"\s*([A-Za-z0-9*_-]+)\s*(?:;\s*q\s*=\s*([0-9.]+)\s*)?")


class Web(msgspec.Struct, frozen=True):
    """`origins` are those whose pages may ask, or `*`; none by default. `aliases`: a path -> the one it stands for."""

    origins: frozenset[str] = frozenset()
    aliases: Mapping[str, str] = msgspec.field(default_factory=dict)

    def renamed(self, path: str) -> str:
        """The path that another stands for, else the path itself."""
        return self.aliases.get(path, path)

    def preflight(self, request: Request) -> Response | None:
        """The answer to a browser's question whether it may ask; None if this is no such question."""
        if request.method != "OPTIONS" or not self.origins:
            return None
        origin = request.headers.get("origin")
        if origin is None or "access-control-request-method" not in request.headers:
            return None
        if not self._allows(origin):
            return problem(HTTPStatus.FORBIDDEN, f"pages of {origin[:200]!r} may not ask here.")
        names = request.headers.get("access-control-request-headers", "")
        headers = {"access-control-allow-methods": "GET, HEAD, POST, PUT", "access-control-max-age": PREFLIGHT_AGE}
        if _HEADER_NAMES.fullmatch(names):
            headers["access-control-allow-headers"] = names
        return Response(HTTPStatus.OK, headers, b"")

    def finished(self, request: Request, response: Response) -> Response:
        """The answer as this client may read it: open to its page, and zipped if it asks for that."""
        if self.origins and "origin" in request.headers:
            response = self._opened(request.headers["origin"], response)
        whole = "accept-ranges" not in response.headers  # what is asked for in parts goes as it is
        if len(response.body) >= WORTH_ZIPPING and "accept-encoding" in request.headers and whole:
            response = _zipped(request.headers["accept-encoding"], response)
        return response

    def _allows(self, origin: str) -> bool:
        return ANYONE in self.origins or origin in self.origins

    def _opened(self, origin: str, response: Response) -> Response:
        headers = {**response.headers, "vary": "origin"}
        if self._allows(origin):
            allowed = ANYONE if ANYONE in self.origins else origin
            headers |= {"access-control-allow-origin": allowed, "access-control-expose-headers": _EXPOSED}
        return replace(response, headers=headers)


def _zipped(accepted: str, response: Response) -> Response:
    vary = ", ".join(filter(None, (response.headers.get("vary"), "accept-encoding")))
    headers = {**response.headers, "vary": vary}
    if not accepts_gzip(accepted):
        return replace(response, headers=headers)
    stream = zlib.compressobj(_LEVEL, wbits=31)
    return replace(
        response,
        headers={**headers, "content-encoding": "gzip"},
        body=stream.compress(response.body) + stream.flush(),
    )


def accepts_gzip(accepted: str) -> bool:
    """Whether an Accept-Encoding header lets gzip in.

    >>> [accepts_gzip(each) for each in ("gzip, br", "*", "gzip;q=0, *", "br")]
    [True, True, False, False]
    """
    weights = {coding.lower(): weight for coding, weight in map(_weighed, accepted.split(","))}
    return weights.get("gzip", weights.get("*", 0.0)) > 0


def _weighed(part: str) -> tuple[str, float]:
    match = _CODING.fullmatch(part)
    if match is None:
        return "", 0.0
    try:
        return match[1], float(match[2] or 1)
    except ValueError:
        return "", 0.0
