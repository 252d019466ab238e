"""Schemathesis, as a stranger would run it on a document that a server has."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

COMMAND = [sys.executable, "-c", "from schemathesis.cli import schemathesis; schemathesis()", "run"]


def check_by_schemathesis(url: str, folder: Path, *options: str) -> None:
    """Every check that it has: positive, negative and stateful, of every operation; `folder` is where it may write."""
    command = [*COMMAND, url, "--max-examples", "25", "--seed", "1", "--no-color", "--checks", "all", *options]
    found = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=240, check=False)
    assert found.returncode == 0, found.stdout[-6000:] + found.stderr[-2000:]
    assert re.search(r"Operations:\s+(\d+) selected / \1 total", found.stdout)
