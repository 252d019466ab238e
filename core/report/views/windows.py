"""The windows that performance and fairness reports tell of, in the order of time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..wording import brief, day

ENDS = ("value", "low", "high")


@dataclass(frozen=True, slots=True)
class Told:
    """One window of one report."""

    report: Mapping[str, Any]
    window: Mapping[str, Any]

    @property
    def when(self) -> str:
        """Its first day."""
        return day(self.window["since"])

    @property
    def version(self) -> str:
        """Which version answered."""
        return brief(self.report["version"])


def windows(reports: Sequence[Mapping[str, Any]], most: int) -> list[Told]:
    """The newest windows of all reports, oldest first; of a window that two versions answered in, both."""
    found = [Told(report, window) for report in reports for window in report["windows"]]
    return sorted(found, key=lambda told: str(told.window["since"]))[-most:]


def times(told: Sequence[Told]) -> tuple[str, str]:
    """The first days of the first and of the last."""
    return told[0].when, told[-1].when


def bounds(found: Mapping[str, Any] | None) -> dict[str, float] | None:
    """value, low and high alone."""
    return None if found is None else {end: found[end] for end in ENDS}
