"""Logs for machines and for people: one JSON object a line, or one plain line, on stderr.

Library code logs through the standard `logging`; facts go into `extra={"facts": {...}}`, and what the message says
already, for machines to read, into `extra={"details": {...}}`.
"""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any

OURS = "tidemill"
"""The name of the handler that `configure` sets: those of other owners stay."""


METRICS_LOGGER = "tidemill.metrics"
"""Lines that machines turn into metrics; a person at a terminal is spared them."""


class JsonFormatter(logging.Formatter):
    """One JSON object a line, with the field names that CloudWatch and Google Cloud Logging understand."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "severity": record.levelname,
            "message": record.getMessage(),
            "logger": record.name,
            **getattr(record, "facts", {}),
            **getattr(record, "details", {}),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


class PlainFormatter(logging.Formatter):
    """For a person at a terminal: time, message and facts."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line; a traceback only at debug level."""
        facts = " ".join(f"{name}={value}" for name, value in getattr(record, "facts", {}).items())
        moment = datetime.fromtimestamp(record.created).astimezone().strftime("%H:%M:%S")
        mark = "" if record.levelno < logging.WARNING else f"{record.levelname.lower()}: "
        line = f"{moment} {mark}{record.getMessage()} {facts}".rstrip()
        if record.exc_info and logging.getLogger().isEnabledFor(logging.DEBUG):
            line += "\n" + self.formatException(record.exc_info)
        return line


def configure(*, json_lines: bool, level: str = "INFO") -> None:
    """Send every log line of this process to stderr in the chosen form; calling again replaces the form."""
    handler = logging.StreamHandler(sys.stderr)
    handler.set_name(OURS)
    handler.setFormatter(JsonFormatter() if json_lines else PlainFormatter())
    root = logging.getLogger()
    root.handlers[:] = [*(other for other in root.handlers if other.get_name() != OURS), handler]
    root.setLevel(level)
    logging.getLogger(METRICS_LOGGER).setLevel(logging.NOTSET if json_lines else logging.WARNING)
    for noisy in ("botocore", "httpx", "uvicorn", "watchfiles"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
