"""An HTTP request and its answer as plain values: every host makes the one and sends the other."""

from __future__ import annotations

import os
import re
import zlib
from collections.abc import Mapping
from http import HTTPStatus
from itertools import count
from typing import ClassVar, TypeVar

import msgspec

from ..errors import BadInput, TooLarge

T = TypeVar("T")

JSON = "application/json"
REQUEST_ID = "x-request-id"
MODEL_VERSION = "x-tidemill-model-version"

_PROCESS = os.urandom(12).hex()
_COUNT = count(1)
_SANE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/+=@-]{0,127}")
_ZLIB_FORMATS = {"gzip": 31, "deflate": 15}
"""Content codings of RFC 9110, and zlib's names for their formats; deflate is the one with zlib's own header."""
_NOT_A_NUMBER = re.compile(rb"[:\[,]\s*-?(NaN|Infinity)")


class UnsupportedType(BadInput):
    """The body is of a type or encoding that is not read here."""

    status: ClassVar[HTTPStatus] = HTTPStatus.UNSUPPORTED_MEDIA_TYPE


class Request(msgspec.Struct, frozen=True):
    """A request. `path` is decoded, `query` as it was sent without `?`; names of `headers` are in lower case."""

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = msgspec.field(default_factory=dict)
    body: bytes = b""


class Response(msgspec.Struct, frozen=True):
    """An answer; names of `headers` are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Encoded(msgspec.Struct, frozen=True):
    """An answer as it goes over the wire."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes

    @classmethod
    def of(cls, response: Response) -> Encoded:
        """The same as `response`."""
        headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in response.headers.items()]
        return cls(response.status, headers, response.body)


class Received(msgspec.Struct):
    """A request as it came over the wire, of which nothing is decoded but its path; names of headers in lower case.

    `arrived` is in seconds, by the performance counter. Whether it `is_done` the short way, with an `answer` or without
    one, is told here.
    """

    method: str
    path: str
    query: bytes
    headers: Mapping[bytes, bytes]
    body: bytes
    arrived: float = 0.0
    answer: Encoded | None = None
    is_done: bool = False

    def decoded(self) -> Request:
        """The same as `Request`."""
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in self.headers.items()}
        return Request(self.method, self.path, self.query.decode("latin-1"), headers, self.body)


def json_response(value: object, status: int = HTTPStatus.OK, headers: Mapping[str, str] | None = None) -> Response:
    """`value` as JSON; NaN and infinities, which JSON has not, become null."""
    return Response(status, {"content-type": JSON, **(headers or {})}, msgspec.json.encode(value))


def problem(status: int, sentence: str, headers: Mapping[str, str] | None = None) -> Response:
    """An error for a client: one sentence."""
    return json_response({"error": " ".join(sentence.split())}, status, headers)


def request_id(request: Request) -> str:
    """The caller's `x-request-id` if it is sane (1 to 128 plain characters), else a new one."""
    return sane_or_new(request.headers.get(REQUEST_ID))


def sane_or_new(given: str | None) -> str:
    """An id for a request that came with this one, or with none."""
    return given if given and _SANE_ID.fullmatch(given) else f"{_PROCESS}{next(_COUNT):08x}"


def media_type(request: Request) -> str:
    """The body's type without its parameters, in lower case; JSON when the request does not say."""
    said = request.headers.get("content-type", JSON)
    return said if said == JSON else said.split(";", 1)[0].strip().lower() or JSON


def body_of(request: Request, limit: int) -> bytes:
    """The body, unzipped if it is sent as gzip or deflate.

    Raises TooLarge if it is, or says that it is, longer than `limit` bytes, before or after; UnsupportedType for
    another encoding.
    """
    if len(request.body) > limit or (not request.body and _declared(request) > limit):
        raise _too_large(limit)
    encoding = request.headers.get("content-encoding")
    if encoding is None:
        return request.body
    encoding = encoding.strip().lower()
    if encoding in {"", "identity"}:
        return request.body
    if encoding not in _ZLIB_FORMATS:
        raise UnsupportedType(f"content-encoding {encoding[:40]!r} is not read here: send gzip, deflate or none.")
    return _unzipped(request.body, encoding, limit)


def _declared(request: Request) -> int:
    """How long the body says to be; hosts do not read one that is far beyond the limit."""
    length = request.headers.get("content-length", "")
    return int(length) if length.isdecimal() else 0


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"the body is larger than {limit} bytes: send fewer rows a request, or score them in batch.")


def decode_json(body: bytes, decoder: msgspec.json.Decoder[T]) -> T:
    """Decode a body; raises BadInput with one sentence that tells where it is wrong."""
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        raise BadInput(f"the body is not as expected: {_lower_first(error)}.") from error
    except msgspec.DecodeError as error:
        if _NOT_A_NUMBER.search(body):
            raise BadInput("the body holds NaN or Infinity, which JSON has not: send null instead.") from error
        raise BadInput(f"the body is not JSON: {_lower_first(error)}.") from error
    except UnicodeDecodeError as error:
        raise BadInput(f"the body is not UTF-8 at byte {error.start} of a string.") from error
    except RecursionError as error:
        raise BadInput("the body is nested too deeply.") from error


def expect_json(request: Request) -> None:
    """Raises UnsupportedType if the body says that it is something else.

    `curl -d` says `application/x-www-form-urlencoded` unless told otherwise, in TensorFlow Serving's own examples too.
    """
    kind = media_type(request)
    if kind == JSON:
        return
    if kind not in {JSON, "application/x-www-form-urlencoded"} and not kind.endswith("+json"):
        raise UnsupportedType(f"content-type {kind[:80]!r} is not read here: send {JSON}.")


def _unzipped(body: bytes, encoding: str, limit: int) -> bytes:
    stream = zlib.decompressobj(wbits=_ZLIB_FORMATS[encoding])
    try:
        data = stream.decompress(body, limit + 1)
    except zlib.error as error:
        raise BadInput(f"the body says that it is {encoding}, but cannot be unzipped.") from error
    if len(data) > limit:
        raise _too_large(limit)
    if not stream.eof or stream.unused_data:
        raise BadInput(f"the body must be one whole {encoding} member, and nothing after it.")
    return data


def _lower_first(error: Exception) -> str:
    text = str(error)
    return text[:1].lower() + text[1:] if not text.startswith("JSON") else text
