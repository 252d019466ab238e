"""HTTP/1.1 on one connection (RFC 9112), as far as a program on the same machine needs it.

`http.server` reads headers by the library for e-mail, which costs the first answer 17 ms and each one 0.2 ms.
"""

from __future__ import annotations

import socket
import time
from http import HTTPStatus
from typing import NamedTuple

from core.errors import BadInput
from core.inference.http import Request, Response

HEAD = 64 * 1024
"""Bytes that a request line and its headers may have."""
DRAINED = 4
"""How many times the limit of a body is read and thrown away, so that its sender gets to read the answer."""

_PIECE = 64 * 1024
_TOKEN = frozenset("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
"""What names are made of, RFC 9110 section 5.6.2."""
_HEXADECIMAL = frozenset(b"0123456789ABCDEFabcdef")
_LONGEST_SIZE = 8
_LONGEST_LINE = 1000
_VERSIONS = ("HTTP/1.0", "HTTP/1.1")


class Malformed(BadInput):
    """What came is no request that can be answered otherwise; the connection is closed after the answer."""


class Gone(Exception):
    """The client has gone, or took too long."""


class Asked(NamedTuple):
    """A request, and whether another one may come after its answer."""

    request: Request
    keep: bool


class Connection:
    """A client. A request must be there whole in `patience` seconds after its first byte; before, `idle` ones pass."""

    def __init__(self, client: socket.socket, patience: float, idle: float) -> None:
        self._client = client
        self._patience, self._idle = patience, idle
        self._buffer = bytearray()
        self._deadline = 0.0

    def read(self, limit: int) -> Asked | None:
        """The next request; None if there is none any more. Of a body beyond `limit` bytes one byte too many is kept.

        Raises Malformed, and Gone if the client leaves or dawdles in the midst of it.
        """
        self._deadline = time.monotonic() + self._idle
        try:
            while not self._buffer.lstrip(b"\r\n"):
                self._buffer.clear()
                self._fill()
        except Gone:
            return None
        self._deadline = time.monotonic() + self._patience
        head = self._until(b"\r\n\r\n", HEAD).decode("latin-1").lstrip("\r\n")
        line, *lines = head.split("\r\n")
        method, target, version = _request_line(line)
        headers = _headers(lines)
        path, query, host = _target(target, headers)
        if version == "HTTP/1.1" and host is None:
            raise Malformed("the request has no host header.")
        body, whole = self._body(headers, limit)
        keep = whole and _keeps(headers.get("connection", ""), version)
        return Asked(Request(method, path, query, headers, body), keep)

    def write(self, response: Response, *, keep: bool) -> None:
        """Send an answer; raises Gone."""
        lines = [f"HTTP/1.1 {response.status:d} {HTTPStatus(response.status).phrase}"]
        lines += [f"{name}: {value}" for name, value in response.headers.items()]
        if not keep:
            lines.append("connection: close")
        head = "\r\n".join([*lines, "", ""]).encode("latin-1", "replace")
        self._client.settimeout(self._patience)
        try:
            self._client.sendall(head + response.body)
        except OSError as error:
            raise Gone from error

    def _body(self, headers: dict[str, str], limit: int) -> tuple[bytes, bool]:
        """The body, and whether all of it was read."""
        coding, length = headers.get("transfer-encoding"), headers.get("content-length")
        if coding is not None:
            if length is not None or coding.lower() != "chunked":
                raise Malformed("the request's body must be told by content-length, or be chunked.")
            self._continue(headers)
            return self._chunks(limit)
        if length is None:
            return b"", True
        if not length.isascii() or not length.isdecimal() or len(length) > 15:  # noqa: PLR2004 - a thousand terabytes
            raise Malformed("the content-length is no number.")
        size = int(length)
        if size > limit * DRAINED:
            return b"", False
        self._continue(headers)
        return self._exactly(size, limit + 1), True

    def _chunks(self, limit: int) -> tuple[bytes, bool]:
        body, read = bytearray(), 0
        while read <= limit * DRAINED:
            length = _chunk_size(self._until(b"\r\n", _LONGEST_LINE))
            if not length:
                while self._until(b"\r\n", HEAD):
                    pass  # trailers say nothing that is asked for
                return bytes(body), True
            read += length
            if read > limit * DRAINED:
                break
            body += self._exactly(length, limit + 1 - len(body))
            if self._until(b"\r\n", 2):
                raise Malformed("a chunk of the body is longer than its size.")
        return bytes(body), False

    def _continue(self, headers: dict[str, str]) -> None:
        if headers.get("expect", "").lower() == "100-continue" and not self._buffer:
            self._client.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _until(self, end: bytes, most: int) -> bytes:
        """What comes before `end`, which is taken too; raises Malformed if that is more than `most` bytes."""
        while (at := self._buffer.find(end)) < 0 and len(self._buffer) <= most:
            self._fill()
        if at < 0 or at > most:
            raise Malformed("the request's head is too long.")
        found = bytes(self._buffer[:at])
        del self._buffer[: at + len(end)]
        return found

    def _exactly(self, size: int, kept: int) -> bytes:
        """The next `size` bytes, of which the first `kept` are returned."""
        body = bytearray()
        while size:
            if not self._buffer:
                self._fill()
            piece = self._buffer[:size]
            del self._buffer[: len(piece)]
            size -= len(piece)
            body += piece[: max(kept - len(body), 0)]
        return bytes(body)

    def _fill(self) -> None:
        left = self._deadline - time.monotonic()
        try:
            self._client.settimeout(max(left, 0.001))
            piece = self._client.recv(_PIECE)
        except OSError as error:
            raise Gone from error
        if not piece:
            raise Gone
        self._buffer += piece


def _request_line(line: str) -> tuple[str, str, str]:
    """Method, target and version."""
    parts = line.split(" ")
    if len(parts) != 3 or parts[2] not in _VERSIONS or not _is_token(parts[0]):  # noqa: PLR2004 - as named below
        raise Malformed("the first line of the request is no request line of HTTP/1.1.")
    method, target, version = parts
    return method, target, version


def _is_token(name: str) -> bool:
    return bool(name) and _TOKEN.issuperset(name)


def _chunk_size(line: bytes) -> int:
    """What stands before a chunk, less its extensions."""
    size = line.partition(b";")[0].rstrip(b" \t")
    if not size or len(size) > _LONGEST_SIZE or not _HEXADECIMAL.issuperset(size):
        raise Malformed("a chunk of the body has no size.")
    return int(size, 16)


def _headers(lines: list[str]) -> dict[str, str]:
    """By name in lower case; the last of several counts, but a length must not be told twice otherwise."""
    found: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not _is_token(name):
            raise Malformed("the request has a line among its headers that is none.")
        name, value = name.lower(), value.strip(" \t")
        if name in {"content-length", "transfer-encoding", "host"} and found.get(name, value) != value:
            raise Malformed(f"the request tells {name} twice.")
        found[name] = value
    return found


def _target(target: str, headers: dict[str, str]) -> tuple[str, str, str | None]:
    """Path, decoded, query and host of what is asked for."""
    host = headers.get("host")
    if target.lower().startswith(("http://", "https://")):
        host, slash, rest = target.partition("//")[2].partition("/")
        target = slash + rest or "/"
    path, _, query = target.partition("?")
    if not path.startswith("/") and path != "*":
        raise Malformed("the request's target is no path.")
    if "%" in path:
        from urllib.parse import unquote  # noqa: PLC0415 - names of models need no escapes

        path = unquote(path)
    return path, query, host


def _keeps(connection: str, version: str) -> bool:
    told = {each.strip().lower() for each in connection.split(",")}
    return "keep-alive" in told if version == "HTTP/1.0" else "close" not in told
