"""A segment: what a device sends at once, gzip JSON Lines. The first line tells of the device, the others are records.

Records are those of the cloud's own prediction log. The cloud reads segments by `core.domain.telemetry`.
"""

from __future__ import annotations

from dataclasses import asdict

from core.domain.canonical import canonical_json
from core.domain.telemetry import FORMAT, Heading

from .origin import Origin

SEALED = ".jsonl.gz"
"""How the name of a segment's file ends once nothing is added to it any more."""


def first_heading(origin: Origin, sequence: int) -> Heading:
    """The heading of segment `sequence`, which has no records yet."""
    return Heading(**origin._asdict(), sequence=sequence, rows=0)


def is_of(heading: Heading, origin: Origin) -> bool:
    """Whether a segment with this heading has records of this origin."""
    return all(getattr(heading, name) == value for name, value in origin._asdict().items())


def encoded(heading: Heading) -> bytes:
    """The first line of a segment, with its end."""
    return canonical_json({"format": FORMAT, **asdict(heading)}) + b"\n"
