"""What a device sends back: a segment, gzip JSON Lines. The first line tells of the device, the others are records.

Records are those of the prediction log. A device is nobody's friend here: whatever a segment says is checked by who
reads it, and nothing of it is unzipped beyond bounds.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from ..errors import BadInput, Corrupt, TooLarge
from ..layout import DEVICE_NAME, RELEASE_ID
from .artefact import read_artefact

FORMAT = 1
LARGEST = 1024 * 1024
"""Bytes of a segment."""
LARGEST_UNZIPPED = 16 * 1024 * 1024
HEAD = 16 * 1024
"""Bytes at the beginning of a segment that hold its first line, zipped."""

SEGMENT_NAME = re.compile(rf"([0-9]{{10}})-({RELEASE_ID.pattern})-([A-Za-z0-9]{{1,16}})")

_LONGEST_LINE = 256 * 1024
_PIECE = 4 * 1024
"""Bytes that are unzipped at once, to at most a thousand times as many."""
_GZIP = 31
_WHAT = "the first line of a telemetry segment"


@dataclass(frozen=True, slots=True)
class Heading:
    """The first line: who sends, what it runs, which segment of its this is, and how many records follow.

    `ring` is empty for a device in none. `health` is of the release since it began to answer; None where the segment
    tells of none.
    """

    device: str
    group: str
    ring: str
    release: str
    version: str
    sequence: int
    rows: int
    health: Mapping[str, Any] | None = None

    @classmethod
    def decode(cls, line: bytes) -> Heading:
        """Read a line; raises Corrupt if it is none, or of a newer format."""
        return read_artefact(line, _WHAT, FORMAT, cls._of)

    @classmethod
    def _of(cls, fields: dict[str, Any]) -> Heading:
        release, health = fields["release"], fields.get("health")
        if not isinstance(release, str) or not RELEASE_ID.fullmatch(release):
            raise ValueError(f"release {str(release)[:80]!r}")
        if health is not None and not isinstance(health, dict):
            raise TypeError("health is no object")
        device, group = (_name(fields[name], name) for name in ("device", "group"))
        ring = fields["ring"] and _name(fields["ring"], "ring")
        version, sequence = _name(fields["version"], "version"), _count(fields["sequence"], "sequence")
        return cls(device, group, ring, release, version, sequence, _count(fields["rows"], "rows"), health)

    @property
    def prefix(self) -> str:
        """How the name of the segment begins."""
        return segment_name(self.sequence, self.release, "")


def unzipped(data: bytes, limit: int = LARGEST_UNZIPPED) -> bytes:
    """The content of a segment: one or more gzip members (RFC 1952), each of them whole.

    Raises Corrupt if it is something else, TooLarge beyond `limit` bytes of content.
    """
    found = bytearray()
    for piece in _pieces(data):
        found += piece
        if len(found) > limit:
            raise TooLarge(f"the segment unzips to more than {limit} bytes: send fewer records in one.")
    return bytes(found)


def heading_of(beginning: bytes) -> Heading:
    """The heading of a segment of which this is the beginning, `HEAD` bytes at most; raises Corrupt."""
    try:
        text = zlib.decompressobj(wbits=_GZIP).decompress(beginning[:HEAD], _LONGEST_LINE)
    except zlib.error as error:
        raise Corrupt(f"{_WHAT} cannot be unzipped: {error}.") from error
    return Heading.decode(text.partition(b"\n")[0])


class SegmentName(NamedTuple):
    """What the name of a segment says. `ring` tells the folder that it was made in from every other of the device."""

    sequence: int
    release: str
    ring: str


def segment_name(sequence: int, release: str, ring: str) -> str:
    """The name of a segment in the cloud, which nothing else ever gets: a new card in a device counts from 1 again.

    >>> segment_name(7, "0000000001-0f3a5c2e9b1d", "9b1d5c2e")
    '0000000007-0000000001-0f3a5c2e9b1d-9b1d5c2e'
    """
    return f"{sequence:010d}-{release}-{ring}"


def parse_segment_name(name: str) -> SegmentName:
    """What a name says; raises BadInput if it is no segment's."""
    match = SEGMENT_NAME.fullmatch(name)
    if match is None:
        raise BadInput(f"segment name {name[:80]!r} must look like <10 digits>-<release>-<folder of the device>.")
    return SegmentName(int(match[1]), match[2], match[3])


def _pieces(data: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(data):
        stream = zlib.decompressobj(wbits=_GZIP)
        while not stream.eof:
            piece = data[at : at + _PIECE]
            if not piece:
                raise Corrupt("the segment ends in the midst of a gzip member: send it whole.")
            try:
                yield stream.decompress(piece)
            except zlib.error as error:
                raise Corrupt(f"the segment is no gzip file: {error}.") from error
            at += len(piece) - len(stream.unused_data)


def _name(value: object, what: str) -> str:
    if not isinstance(value, str) or not DEVICE_NAME.fullmatch(value):
        raise ValueError(f"{what} {str(value)[:80]!r}")
    return value


def _count(value: object, what: str) -> int:
    if type(value) is not int or not 0 <= value < 10**10:
        raise ValueError(f"{what} {str(value)[:80]!r}")
    return value
