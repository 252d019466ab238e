"""Which device runs what, since when, and how it is: what devices said of themselves, when it arrived.

Times are those of arrival in the cloud: the clock of a device may be wrong by years. Figures are what the device says.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

MOST_ERRORS = 0.01
"""The share of a healthy device's answers that may have failed."""
MOST_NAMES = 20


@dataclass(frozen=True, slots=True)
class Health:
    """Of a release since it began to answer on a device; None for what the device does not tell.

    `dropped` counts the records that the device gave up for lack of room, `drifted` are columns that are asked, or
    answered, otherwise than when the model learned. `trial` says that the device has yet to decide to keep the release.
    """

    requests: int | None = None
    errors: int | None = None
    p50_ms: float | None = None
    p95_ms: float | None = None
    memory_mb: float | None = None
    uptime_s: float | None = None
    dropped: int | None = None
    drifted: tuple[str, ...] = ()
    trial: bool = False

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Health:
        """What a device tells, as far as it is what it should be."""
        names = told.get("drifted")
        drifted = [str(name)[:80] for name in names[:MOST_NAMES]] if isinstance(names, list) else []
        return cls(
            requests=_count(told.get("requests")),
            errors=_count(told.get("errors")),
            p50_ms=_figure(told.get("p50_ms")),
            p95_ms=_figure(told.get("p95_ms")),
            memory_mb=_figure(told.get("memory_mb")),
            uptime_s=_figure(told.get("uptime_s")),
            dropped=_count(told.get("dropped")),
            drifted=tuple(drifted),
            trial=bool(told.get("trial")),
        )

    @property
    def is_good(self) -> bool:
        """Whether its answers do not fail, and nothing drifted."""
        failed = (self.errors or 0) > MOST_ERRORS * max(self.requests or 0, 1)
        return not failed and not self.drifted


@dataclass(frozen=True, slots=True)
class Device:
    """A device by its newest segment. `version` is None where that cannot be read, `health` where none is told.

    `since` is when the first segment of the release that it runs arrived, `last_seen` when the newest did, in UTC.
    """

    device: str
    group: str
    release: str
    since: datetime
    last_seen: datetime
    ring: str = ""
    version: str | None = None
    health: Health | None = None

    @property
    def healthy(self) -> bool | None:
        """How the device says it is; None where it has not said."""
        return None if self.health is None else self.health.is_good

    def to_json(self) -> dict[str, Any]:
        """As the command tells it."""
        health = self.health or Health()
        return {
            "device": self.device,
            "group": self.group,
            "ring": self.ring,
            "release": self.release,
            "version": self.version,
            "since": self.since.isoformat(),
            "last_seen": self.last_seen.isoformat(),
            "healthy": self.healthy,
            "requests": health.requests,
            "errors": health.errors,
            "latency": {"p50_ms": health.p50_ms, "p95_ms": health.p95_ms},
            "memory_mb": health.memory_mb,
            "dropped": health.dropped,
            "drifted": list(health.drifted),
            "trial": health.trial,
        }


@dataclass(frozen=True, slots=True)
class Fleet:
    """The devices of a model that sent something back, by group and name."""

    model: str
    devices: tuple[Device, ...] = ()

    @property
    def releases(self) -> dict[str, int]:
        """How many devices run each release, the newest release first."""
        return dict(sorted(Counter(device.release for device in self.devices).items(), reverse=True))

    @property
    def groups(self) -> dict[str, int]:
        """How many devices each group has, by name."""
        return dict(sorted(Counter(device.group for device in self.devices).items()))

    @property
    def unhealthy(self) -> tuple[Device, ...]:
        """Those that say that something is wrong."""
        return tuple(device for device in self.devices if device.healthy is False)

    def to_json(self) -> dict[str, Any]:
        """As the command tells it."""
        return {
            "model": self.model,
            "devices": [device.to_json() for device in self.devices],
            "releases": self.releases,
            "groups": self.groups,
        }


def _figure(value: object) -> float | None:
    fits = isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < 1e15  # noqa: PLR2004
    return float(value) if fits else None  # type: ignore[arg-type]


def _count(value: object) -> int | None:
    figure = _figure(value)
    return None if figure is None else int(figure)
