"""A look at what is new, in a process of its own: its memory goes with it, and what crashes there, crashes there."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from pathlib import Path

from .clock import Clock
from .loop import Done

LONGEST = 6 * 3600.0
"""Seconds after which it is ended: what it fetched is kept, and the next one goes on with that."""

log = logging.getLogger(__name__)


class Child:
    """Runs `python -m edge update`."""

    def __init__(self, root: Path, clock: Clock, longest: float = LONGEST) -> None:
        self._command = [sys.executable, "-m", "edge", "update", "--root", str(root), "--json"]
        self._clock = clock
        self._longest = longest
        self._since = 0.0
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Begin."""
        self._since = self._clock.monotonic()
        self._process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)  # noqa: S603 - our own

    def poll(self) -> Done | None:
        """How it ended; None while it lasts."""
        process = self._process
        if process is None:
            return Done(ok=False)
        if process.poll() is None:
            if self._clock.monotonic() - self._since > self._longest:
                log.warning("the update took %.0f s and is ended; the next one goes on", self._longest)
                process.kill()
            return None
        told = process.communicate()[0]
        self._process = None
        return Done(process.returncode == 0, _retry_after(told))

    def stop(self) -> None:
        """End it, if it lasts: it can be ended anywhere."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None


def _retry_after(told: bytes) -> float:
    """What the child said last; 0 if it died before it could."""
    try:
        return float(json.loads(told.splitlines()[-1])["retry_after"])
    except (IndexError, ValueError, KeyError, TypeError):
        return 0.0
