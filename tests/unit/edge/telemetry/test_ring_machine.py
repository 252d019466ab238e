"""A ring under any load, with power cuts, uploads and full folders: bounded, in order, and nothing lost uncounted."""

from __future__ import annotations

import os
import random
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from edge.telemetry.ring import LEAST, Ring, give_way, sealed

from .rings import ORIGIN, OTHER, content, size_of


class RingMachine(RuleBasedStateMachine):
    """Numbers every record; the cloud keeps what is uploaded by its segment's name."""

    def __init__(self) -> None:
        super().__init__()
        self.place = tempfile.TemporaryDirectory()
        self.folder = Path(self.place.name)
        self.ring = Ring(self.folder, LEAST)
        self.added = 0
        self.cloud: dict[str, list[bytes]] = {}
        self.noise = random.Random(7)

    def teardown(self) -> None:
        self.place.cleanup()

    @rule(count=st.integers(1, 60), width=st.sampled_from([10, 200, 3000]), other=st.booleans())
    def add(self, count: int, width: int, other: bool) -> None:
        lines = []
        for _ in range(count):
            noise = self.noise.randbytes(width // 2).hex().encode()
            lines.append(b'{"n":%d,"x":"%s"}\n' % (self.added, noise))
            self.added += 1
        self.ring.add(OTHER if other else ORIGIN, b"".join(lines))

    @rule(health=st.sampled_from([None, {"requests": 1}]))
    def seal(self, health: dict[str, int] | None) -> None:
        self.ring.seal(ORIGIN, health)

    @rule()
    def lose_power(self) -> None:
        """The process is gone, with its lock; what it synced stays."""
        growing = self.ring._growing
        if growing is not None:
            os.close(growing._descriptor)
        self.ring = Ring(self.folder, LEAST)

    @rule(removed=st.booleans())
    def upload(self, removed: bool) -> None:
        """The answer may not arrive: then the segment is sent again."""
        for segment in sealed(self.folder)[:2]:
            self.cloud.setdefault(segment.name, content(segment)[1])
            if removed:
                segment.unlink()

    @rule(wanted=st.integers(1, 20_000))
    def give_way(self, wanted: int) -> None:
        give_way(self.folder, wanted)

    @invariant()
    def it_is_bounded(self) -> None:
        assert size_of(self.folder) <= LEAST

    @invariant()
    def nothing_is_lost_uncounted(self) -> None:
        here = {segment.name: content(segment)[1] for segment in sealed(self.folder)}
        growing = self.ring._growing
        waiting = 0 if growing is None else growing.heading.rows
        known = {**here, **self.cloud}
        lines = [line for name in sorted(known) for line in known[name]]
        numbers = [int(line[5 : line.index(b",")]) for line in lines]
        assert numbers == sorted(set(numbers))
        assert self.added - waiting - len(numbers) <= self.ring.dropped <= self.added


TestRing = RingMachine.TestCase
TestRing.settings = settings(max_examples=15, stateful_step_count=25, deadline=None)
