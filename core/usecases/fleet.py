"""Look at a fleet: of each device the listing of its segments, and the beginning of the newest one."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby

from ..domain.fleet import Device, Fleet, Health
from ..domain.telemetry import HEAD, Heading, heading_of
from ..errors import Corrupt, NotFound
from ..ports import ObjectInfo, Reads, ReadsLists
from .segments import Segment, segments_of

BACK = 4
"""How many segments back a device is asked how it is: those that were sealed for their size do not tell."""
AT_ONCE = 16
"""Devices that are read at once."""


def read_fleet(edge: ReadsLists, model: str) -> Fleet:
    """Every device of a model that has sent something back."""
    devices = groupby(segments_of(edge, model), key=lambda segment: (segment.group, segment.device))
    newest = [(*who, _newest(segments)) for who, segments in devices]
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="tidemill-fleet") as pool:
        found = pool.map(lambda each: _device(edge, *each), newest)
        return Fleet(model, tuple(found))


@dataclass(slots=True)
class _Card:
    """The segments of one folder of a device, in order: its release, since when, and the newest of them."""

    release: str
    since: datetime
    last_seen: datetime
    newest: deque[ObjectInfo] = field(default_factory=lambda: deque(maxlen=BACK))

    def add(self, segment: Segment) -> None:
        """The next segment; they may have arrived in another order."""
        arrived, release = segment.info.modified, segment.name.release
        self.since = min(self.since, arrived) if release == self.release else arrived
        self.release, self.last_seen = release, max(self.last_seen, arrived)
        self.newest.append(segment.info)


def _newest(segments: Iterable[Segment]) -> _Card:
    """The folder that a segment came from last: a device with a new card counts from 1 again."""
    cards: dict[str, _Card] = {}
    for segment in segments:
        arrived, name = segment.info.modified, segment.name
        cards.setdefault(name.ring, _Card(name.release, arrived, arrived)).add(segment)
    return max(cards.values(), key=lambda card: card.last_seen)


def _device(edge: Reads, group: str, device: str, card: _Card) -> Device:
    headings = list(_until_health(_headings(edge, card)))
    told = headings[-1].health if headings else None
    return Device(
        device=device,
        group=group,
        release=card.release,
        since=card.since,
        last_seen=card.last_seen,
        ring=headings[0].ring if headings else "",
        version=headings[0].version if headings else None,
        health=None if told is None else Health.of(told),
    )


def _headings(edge: Reads, card: _Card) -> Iterator[Heading]:
    """The first lines of the newest segments of the release, the newest first, as far as they can be read."""
    for info in reversed(card.newest):
        try:
            heading = heading_of(edge.get_range(info.key, 0, HEAD))
        except (Corrupt, NotFound):  # nothing that the endpoint took, or its lifetime is over
            continue
        if heading.release == card.release:
            yield heading


def _until_health(headings: Iterable[Heading]) -> Iterator[Heading]:
    for heading in headings:
        yield heading
        if heading.health is not None:
            return
