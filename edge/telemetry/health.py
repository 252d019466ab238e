"""How well a release does on this device, in a few figures."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

MEBIBYTE = 1 << 20
MOST_TOLD = 50
"""Columns whose drift is told: those that drifted most."""


class Health(NamedTuple):
    """Of `release`, since it began to answer on this device.

    `requests` counts those that asked for predictions and `errors` those of them that the device failed to answer; what
    a caller did wrong is neither. Latencies are of the newest requests, None before the first. `memory_mb` is the
    resident memory of the process, None where the system does not tell; `uptime_s` is monotonic. `dropped` counts
    records that the ring gave up since it was made. `drift` has the share of values, 0 to 1, that a feature has
    otherwise than in training (nulls and unseen ones among them), `output_drift` the same of answers against those on
    the holdout, and `drifted` the columns where that is certain and large.
    """

    release: str
    requests: int
    errors: int
    p50_ms: float | None
    p95_ms: float | None
    memory_mb: float | None
    uptime_s: float
    dropped: int
    drift: Mapping[str, float]
    output_drift: Mapping[str, float]
    drifted: tuple[str, ...]

    def to_json(self, shown: frozenset[str] | None = None) -> dict[str, Any]:
        """As plain JSON values; of features only those in `shown`, all if that is None."""
        told = {name: effect for name, effect in self.drift.items() if shown is None or name in shown}
        drifted = [name for name in self.drifted if name in told or name in self.output_drift]
        return {**self._asdict(), "drift": _largest(told), "drifted": drifted[:MOST_TOLD]}


def memory_mb() -> float | None:
    """Resident memory of this process; None where the system has no /proc."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return None
    return round(pages * os.sysconf("SC_PAGE_SIZE") / MEBIBYTE, 1)


def _largest(drift: Mapping[str, float]) -> dict[str, float]:
    return dict(sorted(drift.items(), key=lambda each: (-each[1], each[0]))[:MOST_TOLD])
