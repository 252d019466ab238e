"""Gzip files that grow: each addition is a member of its own (RFC 1952 section 2.2), whole or recognisably not."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

_LEVEL = 6
_GZIP = 31
"""zlib's name for the format: https://www.zlib.net/manual.html, deflateInit2."""


def member(data: bytes) -> bytes:
    """`data` as one member, the same bytes each time."""
    stream = zlib.compressobj(_LEVEL, wbits=_GZIP)
    return stream.compress(data) + stream.flush()


def members(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Each whole member at the start of `data`: where it ends, and what it holds.

    Ends at the first that is cut off or broken: what a power cut left behind.

    >>> [content for _, content in members(member(b"a") + member(b"b")[:-1])]
    [b'a']
    """
    end = 0
    while end < len(data):
        stream = zlib.decompressobj(wbits=_GZIP)
        try:
            content = stream.decompress(data[end:])
        except zlib.error:
            return
        if not stream.eof:
            return
        end = len(data) - len(stream.unused_data)
        yield end, content
