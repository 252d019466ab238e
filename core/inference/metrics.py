"""What the endpoint counts: requests, errors and latency of each version, for Prometheus and for structured logs.

The text format is https://prometheus.io/docs/instrumenting/exposition_formats/, the log lines are CloudWatch's embedded
metric format, https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from __future__ import annotations

import math
import threading
from bisect import bisect_left
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

BUCKETS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper ends of the histogram's buckets, in seconds."""
METRICS_PATH = "/metrics"
MOST_VALUES = 100
"""How many values of one metric a line in the embedded metric format may have."""
LOT = 64
"""Requests that are added up at once, which costs a third of adding them up one by one."""
SERVER_ERROR = 500
_TYPE = "text/plain; version=0.0.4; charset=utf-8"

Labels = Mapping[str, str]
Sample = tuple[str, Labels, float]


class _Window(msgspec.Struct):
    """What one version has answered since the last line was logged; of its latencies the newest."""

    requests: int = 0
    errors: int = 0
    cold_starts: int = 0
    latest: deque[float] = msgspec.field(default_factory=lambda: deque(maxlen=MOST_VALUES))


class _Of(msgspec.Struct):
    """What one version has answered: requests by status, and how long they took."""

    statuses: dict[int, int] = {}
    buckets: list[int] = msgspec.field(default_factory=lambda: [0] * (len(BUCKETS) + 1))
    seconds: float = 0.0
    window: _Window = msgspec.field(default_factory=_Window)


class Metrics:
    """Counts what is answered. Safe to share between threads. A request that no version answered has empty labels."""

    content_type = _TYPE

    def __init__(self) -> None:
        self._of: dict[tuple[str, str], _Of] = {}
        self._answered = False
        self._guard = threading.Lock()
        self._new: deque[tuple[str, str, int, float]] = deque()

    def count(self, model: str, version: str, status: int, seconds: float) -> None:
        """One request, answered by `version` of `model` in `seconds`."""
        self._new.append((model, version, status, seconds))
        if len(self._new) >= LOT:
            with self._guard:
                self._add_up()

    def _add_up(self) -> None:
        while self._new:
            model, version, status, seconds = self._new.popleft()
            of = self._of.get((model, version)) or self._of.setdefault((model, version), _Of())
            of.statuses[status] = of.statuses.get(status, 0) + 1
            of.buckets[bisect_left(BUCKETS, seconds)] += 1
            of.seconds += seconds
            of.window.requests += 1
            of.window.errors += status >= SERVER_ERROR
            of.window.latest.append(seconds)
            if model and not self._answered:
                self._answered, of.window.cold_starts = True, 1

    def take(self, at: float) -> list[dict[str, object]]:
        """A log line's facts a version, of what was counted since the last time; `at` is a Unix time in seconds."""
        with self._guard:
            self._add_up()
            windows = {key: of.window for key, of in self._of.items() if of.window.requests}
            for key in windows:
                self._of[key].window = _Window()
        return [_facts(model, version, window, at) for (model, version), window in windows.items()]

    def exposition(self, gauges: Mapping[str, float]) -> bytes:
        """Everything since the start in Prometheus' text format, with the `gauges` of the moment."""
        with self._guard:
            self._add_up()
            families = [
                ("tidemill_requests_total", "counter", "Requests answered.", list(self._requests())),
                ("tidemill_request_seconds", "histogram", "Seconds to answer a request.", list(self._seconds())),
            ]
        families += [(f"tidemill_{name}", "gauge", "Now.", [("", {}, value)]) for name, value in gauges.items()]
        return "".join(map(_family, families)).encode()

    def _requests(self) -> Iterator[Sample]:
        for (model, version), of in self._of.items():
            for status, count in of.statuses.items():
                yield "", {"model": model, "version": version, "status": str(status)}, count

    def _seconds(self) -> Iterator[Sample]:
        for (model, version), of in self._of.items():
            labels, total = {"model": model, "version": version}, 0
            for end, count in zip((*BUCKETS, math.inf), of.buckets, strict=True):
                total += count
                yield "_bucket", {**labels, "le": "+Inf" if math.isinf(end) else repr(end)}, total
            yield "_sum", labels, of.seconds
            yield "_count", labels, total


def _family(family: tuple[str, str, str, Iterable[Sample]]) -> str:
    name, kind, what, samples = family
    lines = [f"# HELP {name} {what}", f"# TYPE {name} {kind}"]
    for suffix, labels, value in samples:
        inside = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
        lines.append(f"{name}{suffix}{{{inside}}} {value:g}" if inside else f"{name}{suffix} {value:g}")
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _facts(model: str, version: str, window: _Window, at: float) -> dict[str, object]:
    """A line that CloudWatch turns into metrics; its plain numbers are for Google Cloud's log-based metrics."""
    units = {"requests": "Count", "errors": "Count", "cold_starts": "Count", "latency_ms": "Milliseconds"}
    latest = [round(seconds * 1000, 3) for seconds in window.latest]
    directive = {
        "Namespace": "Tidemill",
        "Dimensions": [["model", "version"]] if model else [[]],
        "Metrics": [{"Name": name, "Unit": unit} for name, unit in units.items()],
    }
    return {
        "_aws": {"Timestamp": round(at * 1000), "CloudWatchMetrics": [directive]},
        **({"model": model, "version": version} if model else {}),
        "requests": window.requests,
        "errors": window.errors,
        "cold_starts": window.cold_starts,
        "latency_ms": latest,
        **{f"latency_ms_p{rank}": quantile(latest, rank / 100) for rank in (50, 95, 99)},
    }


def quantile(values: Sequence[float], share: float) -> float:
    """The nearest-rank quantile of at least one value.

    >>> quantile([3, 1, 2], 0.5)
    2
    """
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]
