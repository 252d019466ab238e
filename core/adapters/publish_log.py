"""Alerts as lines of the log: log://."""

from __future__ import annotations

import logging

from ..domain.notice import Notice
from .publish import Given

LEVELS = {"info": logging.INFO, "warning": logging.WARNING, "critical": logging.ERROR}

log = logging.getLogger("tidemill")


class LogPublisher:
    """Writes one line a notice, by its severity; what is resolved is no more than information."""

    def publish(self, notice: Notice) -> None:
        """Write the line."""
        level = logging.INFO if notice.data["state"] == "resolved" else LEVELS[notice.data["severity"]]
        log.log(level, "alert %s: %s", notice.title, notice.data["summary"], extra={"details": dict(notice.data)})


def open_log(given: Given) -> LogPublisher:  # noqa: ARG001 - every factory has one signature
    """The log of this process."""
    return LogPublisher()
