"""What a drift or performance report says of a version, as far as decisions follow from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from .artefact import read_artefact

NEWEST = 99
"""Each kind of report looks after its own format; the fields that are read here stay."""

Alarm = Literal["drifted", "degraded"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """One report: which version it is on, what is alarming of what was `judged`, and whether a user set its window."""

    version: str | None
    judged: tuple[Alarm, ...]
    alarms: tuple[Alarm, ...]
    asked: bool
    metric: str | None = None

    @classmethod
    def decode(cls, data: bytes) -> Verdict:
        """Read a stored report; raises Corrupt if it is neither of drift nor of performance."""
        return read_artefact(data, "report", NEWEST, cls._of)

    @classmethod
    def _of(cls, fields: Mapping[str, Any]) -> Verdict:
        performance = fields.get("performance") or fields
        said: dict[Alarm, bool] = {"drifted": fields["drifted"]} if "drifted" in fields else {}
        if performance.get("current", True) is not None:  # without labels, a drift report knows nothing of it
            said["degraded"] = performance["degraded"]
        alarms = tuple(name for name, holds in said.items() if holds)
        return cls(fields["version"], tuple(said), alarms, bool(fields.get("asked", False)), _metric(performance))


def _metric(performance: Mapping[str, Any]) -> str | None:
    """A metric is told by its name alone, or with its values."""
    metric = performance.get("metric")
    return metric.get("name") if isinstance(metric, Mapping) else metric
