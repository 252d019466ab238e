"""How much memory a process has needed."""

from __future__ import annotations

from pathlib import Path

KIB_PER_MB = 1024


def peak_mb() -> int:
    """The most that this process had in memory since its program began; of Linux alone.

    ru_maxrss is no use in a child of a test: it begins with what the parent had, which `exec` does not forget.
    """
    status = Path("/proc/self/status").read_text("ascii")
    (line,) = [line for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(line.split()[1]) // KIB_PER_MB
