"""What can happen, whoever says so. Every cloud's own event is decoded into one of these."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from ..layout import Zone


@dataclass(frozen=True, slots=True)
class ObjectCreated:
    """An object was written. `version` is the store's, or None where the event does not carry it."""

    zone: Zone
    key: str
    version: str | None = None


@dataclass(frozen=True, slots=True)
class ScheduleFired:
    """A clock struck for one model. `at` is when it was due, timezone-aware."""

    schedule: str
    model: str
    at: datetime


@dataclass(frozen=True, slots=True)
class TrainingClaimed:
    """A training was claimed, and this is its job."""

    model: str
    training: str


Event: TypeAlias = ObjectCreated | ScheduleFired | TrainingClaimed
