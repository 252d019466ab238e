"""Bodies, types and ids of requests."""

import gzip
import zlib

import msgspec
import pytest

from core.errors import BadInput, TooLarge
from core.inference.http import Request, UnsupportedType, body_of, decode_json, expect_json, problem, request_id


def request(body: bytes = b"", **headers: str) -> Request:
    return Request("POST", "/", "", {name.replace("_", "-"): value for name, value in headers.items()}, body)


def test_gzip_is_unzipped_and_nothing_else_is() -> None:
    assert body_of(request(gzip.compress(b"{}", mtime=0), content_encoding="GZIP"), 100) == b"{}"
    assert body_of(request(b"{}", content_encoding="identity"), 10) == b"{}"
    with pytest.raises(UnsupportedType, match="'br' is not read here"):
        body_of(request(b"{}", content_encoding="br"), 10)


@pytest.mark.parametrize(
    "body",
    [
        b"no gzip",
        gzip.compress(b"x" * 99, mtime=0)[:-9],
        gzip.compress(b"x", mtime=0) + b"more",
        gzip.compress(b"x", mtime=0) * 2,
        b"",
    ],
)
def test_bad_gzip_is_bad_input(body: bytes) -> None:
    with pytest.raises(BadInput, match="gzip"):
        body_of(request(body, content_encoding="gzip"), 1000)


def test_a_body_is_too_large_before_or_after_unzipping_or_when_it_says_so() -> None:
    for large in (
        request(b"x" * 11),
        request(gzip.compress(b"x" * 10**6, mtime=0), content_encoding="gzip"),
        request(b"", content_length="11"),
    ):
        with pytest.raises(TooLarge, match="larger than 10 bytes"):
            body_of(large, 10)
    assert body_of(request(b"x" * 10, content_length="10"), 10) == b"x" * 10


@pytest.mark.parametrize("kind", ["application/json", "Application/JSON; charset=utf-8", "application/ld+json", ""])
def test_json_goes_by_several_names(kind: str) -> None:
    expect_json(request(content_type=kind))
    expect_json(request())
    expect_json(request(content_type="application/x-www-form-urlencoded"))


@pytest.mark.parametrize("kind", ["text/plain", "application/octet-stream", "application/xml", "json"])
def test_other_types_are_not_read(kind: str) -> None:
    with pytest.raises(UnsupportedType, match="send application/json"):
        expect_json(request(content_type=kind))


BROKEN = [
    (b"", "the body is not JSON: input data was truncated."),
    (b'{"a": 1,}', "the body is not JSON: "),
    (b'{"a": NaN}', "the body holds NaN or Infinity"),
    (b'{"a":[1, -Infinity]}', "the body holds NaN or Infinity"),
    (b'{"a": 1e999}', "the body is not as expected: number out of range"),
    (b'{"a":"\xff"}', "the body is not UTF-8"),
    (b'{"a":' + b"[" * 100_000, "the body is nested too deeply."),
    (b'{"a":' * 100_000, "the body is nested too deeply."),
    (b'{"a":"\\ud800"}', "the body is not JSON"),
    (b"[1]", "the body is not as expected: expected `object`, got `array`."),
]


@pytest.mark.parametrize(("body", "message"), BROKEN)
def test_broken_json_is_told_in_one_sentence(body: bytes, message: str) -> None:
    with pytest.raises(BadInput) as refused:
        decode_json(body, msgspec.json.Decoder(dict[str, object]))
    assert str(refused.value).startswith(message)


def test_a_sane_request_id_is_kept_and_any_other_replaced() -> None:
    assert request_id(request(x_request_id="abc-1.2:3")) == "abc-1.2:3"
    for odd in ("", "a b", "x" * 129, "é", 'a"b', "a\r\nset-cookie: x"):
        given = request_id(request(x_request_id=odd))
        assert given != odd
        assert len(given) == 32


def test_a_problem_is_one_line() -> None:
    assert problem(400, "one\n  two").body == b'{"error":"one two"}'


def test_deflate_is_unzipped_too() -> None:
    assert body_of(request(zlib.compress(b"{}"), content_encoding="deflate"), 100) == b"{}"
    with pytest.raises(BadInput, match="says that it is deflate"):
        body_of(request(b"no zlib", content_encoding="deflate"), 100)
    with pytest.raises(TooLarge):
        body_of(request(zlib.compress(b"x" * 10**6), content_encoding="deflate"), 100)
