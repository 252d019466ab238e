"""What a ring holds, read back as the cloud does."""

from __future__ import annotations

import gzip
from pathlib import Path

from core.domain.telemetry import Heading
from edge.telemetry.origin import Origin
from edge.telemetry.ring import sealed

ORIGIN = Origin("pi-1", "field", "", "0000000001-0123456789ab", "00ff")
OTHER = ORIGIN._replace(release="0000000002-ba9876543210", version="00fe")


def content(segment: Path) -> tuple[Heading, list[bytes]]:
    """The heading of a segment, and its records."""
    first, *lines = gzip.decompress(segment.read_bytes()).splitlines(keepends=True)
    heading = Heading.decode(first)
    assert segment.name.startswith(heading.prefix)
    assert heading.rows == len(lines)
    return heading, lines


def records(folder: Path) -> list[bytes]:
    """All records that are ready to be sent, in order."""
    return [line for segment in sealed(folder) for line in content(segment)[1]]


def size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())
