"""How far a batch run is: rows, rows a second and the time that is left, for people and for metrics alike."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..telemetry import METRICS_LOGGER

EVERY = 5.0
"""Seconds between two reports."""


@dataclass(frozen=True, slots=True)
class Progress:
    """`rows` have been gone through in `seconds`, of `total` if that is known."""

    rows: int
    seconds: float
    total: int | None = None

    @property
    def rows_per_second(self) -> float:
        """Since the start of this attempt."""
        return self.rows / self.seconds if self.seconds > 0 else 0.0

    @property
    def seconds_left(self) -> float | None:
        """At the same speed; None if that is not known."""
        if self.total is None or not self.rows:
            return None
        return max(0, self.total - self.rows) / self.rows_per_second if self.seconds > 0 else None

    def __str__(self) -> str:
        """For a person.

        >>> str(Progress(1_500_000, 3.0, 3_000_000))
        '1,500,000 of 3,000,000 rows, 500,000 rows/s, 3 s left'
        """
        of = "" if self.total is None else f" of {self.total:,}"
        left = "" if self.seconds_left is None else f", {self.seconds_left:,.0f} s left"
        return f"{self.rows:,}{of} rows, {self.rows_per_second:,.0f} rows/s{left}"

    def facts(self, model: str, at: float) -> Mapping[str, Any]:
        """A log line that CloudWatch turns into metrics (embedded metric format); `at` is a Unix time in seconds."""
        units = {"batch_rows": "Count", "batch_rows_per_second": "Count/Second", "batch_seconds_left": "Seconds"}
        values = {
            "batch_rows": self.rows,
            "batch_rows_per_second": round(self.rows_per_second, 1),
            "batch_seconds_left": None if self.seconds_left is None else round(self.seconds_left, 1),
        }
        known = {name: value for name, value in values.items() if value is not None}
        directive = {
            "Namespace": "Tidemill",
            "Dimensions": [["model"]],
            "Metrics": [{"Name": name, "Unit": units[name]} for name in known],
        }
        return {"_aws": {"Timestamp": round(at * 1000), "CloudWatchMetrics": [directive]}, "model": model, **known}


class Meter:
    """Counts rows as they are told, and reports now and then; safe to share between threads.

    `clock` gives seconds that only ever grow, such as time.monotonic.
    """

    def __init__(
        self,
        report: Callable[[Progress], None],
        clock: Callable[[], float],
        total: int | None = None,
        every: float = EVERY,
    ) -> None:
        self._report, self._clock, self._total, self._every = report, clock, total, every
        self._rows = 0
        self._began = self._reported = clock()
        self._lock = threading.Lock()

    @property
    def progress(self) -> Progress:
        """As of now."""
        return Progress(self._rows, self._clock() - self._began, self._total)

    def tell(self, rows: int) -> None:
        """Some more rows were gone through."""
        with self._lock:
            self._rows += rows
            now = self._clock()
            if now - self._reported < self._every:
                return
            self._reported = now
        self._report(self.progress)

    def done(self) -> None:
        """Report a last time."""
        self._report(self.progress)


def logged_meter(model: str) -> Meter:
    """A meter whose reports are metrics: lines of the log, for a run that nobody watches."""
    metrics = logging.getLogger(METRICS_LOGGER)

    def report(progress: Progress) -> None:
        if progress.rows:
            metrics.info("batch", extra={"facts": progress.facts(model, time.time())})

    return Meter(report, time.monotonic)
