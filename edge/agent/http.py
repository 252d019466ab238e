"""Releases over HTTP (RFC 9110) in ranges, and telemetry back; one connection as long as it lasts."""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from ipaddress import ip_address
from urllib.parse import quote, urlsplit

from core.errors import BadInput, NotFound, Refused, TidemillError, Transient

from .clock import Clock
from .config import Device
from .transport import CHUNK, PIECE

TIMEOUT = 30.0
"""Seconds without a byte after which a connection is given up."""
PATIENCE = 60.0
SLOWEST = 64.0
"""Bytes a second below which an answer is given up, once it took longer than `PATIENCE` seconds."""
LONGEST_WAIT = 86400.0
LONGEST_TOLD = 200

_RANGE = re.compile(r"bytes (\d{1,15})-(\d{1,15})/(\d{1,15}|\*)")
_BUSY = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})


class Busy(Transient):
    """The server asks to come again in `retry_after` seconds."""

    def __init__(self, sentence: str, retry_after: float) -> None:
        super().__init__(sentence)
        self.retry_after = retry_after


class Server:
    """One server. For one thread."""

    def __init__(self, url: str, headers: Mapping[str, str], clock: Clock, timeout: float = TIMEOUT) -> None:
        parts = urlsplit(url)
        assert parts.hostname is not None
        self.host = parts.netloc.rpartition("@")[2]
        self._secure, self._name, self._port = parts.scheme == "https", parts.hostname, parts.port
        self._base = parts.path.rstrip("/")
        self._headers = {"user-agent": "tidemill-edge/1", "accept-encoding": "identity", **headers}
        self._timeout = timeout
        self._open: HTTPConnection | None = None
        self.clock = clock

    def ask(self, method: str, key: str, headers: Mapping[str, str], body: bytes | None = None) -> HTTPResponse:
        """Send a request; raises Transient if nobody answers. A connection that was closed meanwhile is made anew."""
        again = self._open is not None
        try:
            return self._send(method, key, headers, body)
        except (OSError, HTTPException) as error:
            self.close()
            if not again:
                raise self._unreachable(error) from error
        try:
            return self._send(method, key, headers, body)
        except (OSError, HTTPException) as error:
            self.close()
            raise self._unreachable(error) from error

    def close(self) -> None:
        """Let go of the connection: what is left in it is not wanted."""
        if self._open is not None:
            self._open.close()
            self._open = None

    def finish(self, response: HTTPResponse) -> None:
        """The rest of the answer is not wanted; where there is none, the connection can be used again."""
        if response.length == 0:
            response.close()
        else:
            self.close()

    def cut(self, error: Exception) -> Transient:
        """What it means that an answer ended early."""
        self.close()
        return Transient(f"{self.host} broke off: {_told(error)}; what came is kept.")

    def _send(self, method: str, key: str, headers: Mapping[str, str], body: bytes | None) -> HTTPResponse:
        if self._open is None:
            self._open = self._connection()
        self._open.request(method, f"{self._base}/{quote(key)}", body, {**self._headers, **headers})
        return self._open.getresponse()

    def _connection(self) -> HTTPConnection:
        if not self._secure:
            return HTTPConnection(self._name, self._port, timeout=self._timeout)
        return HTTPSConnection(self._name, self._port, timeout=self._timeout, context=ssl.create_default_context())

    def _unreachable(self, error: Exception) -> Transient:
        return Transient(f"{self.host} does not answer: {_told(error)}.")


def server_of(url: str, device: Device, clock: Clock) -> Server:
    """The server of a URL; raises BadInput if it is none, or one that is not to be spoken with in the clear."""
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError as error:
        raise BadInput(f"{url!r} is no URL: {error}.") from error
    if parts.scheme not in {"http", "https"} or not host:
        raise BadInput(f"{url!r} must be https://, http:// or file://.")
    if parts.scheme == "http" and not device.insecure and not _is_loopback(host):
        raise BadInput(f"{url!r} is not encrypted: use https://, or set insecure = true in device.toml.")
    return Server(url, device.headers, clock)


class HttpSource:
    """The objects below a URL, in ranges of `chunk` bytes at most. Redirects are not followed."""

    def __init__(self, server: Server, *, chunk: int = CHUNK) -> None:
        self._server = server
        self._chunk = chunk

    def stream(self, key: str, start: int, length: int) -> Iterator[bytes]:
        """The bytes of an object, as `Source.stream` says."""
        end = start + length
        while start < end:
            response = self._range(key, start, min(self._chunk, end - start))
            last = end
            if response.status == HTTPStatus.PARTIAL_CONTENT:
                last, total = self._check_range(response, start, min(end, start + self._chunk))
                end = min(end, total)
            elif start:
                raise self._refused(f"cannot go on at byte {start:,} of {key}: it does not answer ranges")
            before = start
            for piece in self._pieces(response, last - start):
                start += len(piece)
                yield piece
            if response.status == HTTPStatus.OK or start == before:
                return

    def _range(self, key: str, start: int, length: int) -> HTTPResponse:
        response = self._server.ask("GET", key, {"range": f"bytes={start}-{start + length - 1}"})
        try:
            self._check(response, key)
        except TidemillError:
            self._server.close()
            raise
        return response

    def _check(self, response: HTTPResponse, key: str) -> None:
        status, host = response.status, self._server.host
        if status in {HTTPStatus.NOT_FOUND, HTTPStatus.GONE}:
            raise NotFound(f"{host} has no {key}.")
        if status in _BUSY or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise Busy(f"{host} said {status} to {key}.", _seconds(response.headers.get("retry-after")))
        if status in range(300, 400):
            raise Refused(f"{host} sends elsewhere for {key}, which is not followed: put the right URL in device.toml.")
        if status not in {HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT}:
            raise Refused(f"{host} said {status} to {key}: look at source_url and headers in device.toml.")
        if response.headers.get("content-encoding", "identity") != "identity":
            raise Refused(f"{host} sends {key} compressed, which was not asked for.")

    def _check_range(self, response: HTTPResponse, start: int, end: int) -> tuple[int, int]:
        """Where the range ends, and the object; raises Refused if it is not the one that was asked for."""
        said = response.headers.get("content-range", "")
        found = _RANGE.fullmatch(said)
        if found is None or int(found[1]) != start or not start < int(found[2]) + 1 <= end:
            raise self._refused(f"sent the range {said[:60]!r} when asked for bytes {start}-{end - 1}")
        last = int(found[2]) + 1
        return last, end if found[3] == "*" else int(found[3])

    def _pieces(self, response: HTTPResponse, most: int) -> Iterator[bytes]:
        """At most `most` bytes of the body; what is behind them is not read."""
        clock, began = self._server.clock, self._server.clock.monotonic()
        promised = most if response.status == HTTPStatus.PARTIAL_CONTENT else min(most, response.length or 0)
        left = most
        try:
            while left and (piece := response.read1(min(PIECE, left))):
                left -= len(piece)
                yield piece
                self._check_speed(most - left, clock.monotonic() - began)
        except (OSError, HTTPException, ValueError) as error:
            raise self._server.cut(error) from error
        if most - left < promised:
            raise self._server.cut(EOFError(f"{promised - most + left:,} bytes are missing"))
        self._server.finish(response)

    def _check_speed(self, size: int, seconds: float) -> None:
        if seconds > PATIENCE and size / seconds < SLOWEST:
            raise self._server.cut(TimeoutError(f"{size:,} bytes in {seconds:.0f} s are too slow"))

    def _refused(self, what: str) -> Refused:
        self._server.close()
        return Refused(f"{self._server.host} {what}.")


class Uplink:
    """Sends objects, create-only."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def put(self, key: str, data: bytes) -> int:
        """The status of the answer: 200 and 201 if it was written, 409 and 412 if it was there; raises Transient."""
        headers = {"if-none-match": "*", "content-type": "application/gzip"}
        response = self._server.ask("PUT", key, headers, data)
        self._server.finish(response)
        if response.status in _BUSY:
            raise Busy(f"{self._server.host} said {response.status}.", _seconds(response.headers.get("retry-after")))
        return response.status


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _seconds(retry_after: str | None) -> float:
    """Retry-After in seconds (RFC 9110 section 10.2.3), at most a day; a date is nothing to who has no sure clock."""
    if retry_after is None or not re.fullmatch(r"\d{1,9}", retry_after):
        return 0.0
    return min(float(retry_after), LONGEST_WAIT)


def _told(error: Exception) -> str:
    """In one clause, whatever a server made the error say."""
    return " ".join(str(error).split())[:LONGEST_TOLD].rstrip(".") or type(error).__name__
