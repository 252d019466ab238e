"""Conditional and partial requests of something that never changes: RFC 9110, sections 13.1 and 14."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping

_ONE_RANGE = re.compile(r"bytes\s*=\s*([0-9]{0,18})\s*-\s*([0-9]{0,18})\s*", re.IGNORECASE)


def etag(version: str) -> str:
    """A strong entity tag of an object, by the version that its store tells.

    >>> etag("v1")
    '"3bfc269594ef6492"'
    """
    return f'"{hashlib.sha256(version.encode()).hexdigest()[:16]}"'


def is_known(headers: Mapping[str, str], tag: str) -> bool:
    """Whether the client has what `tag` is of, as its If-None-Match says (compared weakly, RFC 9110 section 13.1.2)."""
    said = headers.get("if-none-match", "")
    return said.strip() == "*" or tag in [each.strip().removeprefix("W/") for each in said.split(",")]


def wanted_range(headers: Mapping[str, str], tag: str, size: int) -> range | None:
    """The bytes that are asked for, none of them where there is no such byte; None where all are.

    All are where Range is no single range of bytes, and where If-Range names another version.

    >>> wanted_range({"range": "bytes=2-"}, "", 5), wanted_range({"range": "bytes=-9"}, "", 5)
    (range(2, 5), range(0, 5))
    >>> wanted_range({"range": "bytes=5-"}, "", 5), wanted_range({"range": "lines=1-2"}, "", 5)
    (range(5, 5), None)
    """
    match = _ONE_RANGE.fullmatch(headers.get("range", ""))
    if match is None or not any(match.groups()) or headers.get("if-range", tag) != tag:
        return None
    first, last = match.groups()
    if not first:
        return range(max(0, size - int(last)), size)
    if last and int(last) < int(first):
        return None
    return range(min(int(first), size), min(int(last) + 1, size) if last else size)
