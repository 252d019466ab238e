"""Visiting pages in the Chromium of this machine, driven by playwright-core and judged by axe-core from npm."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

from tests.servers.process import CannotStart
from tests.servers.programs import NODE, installed

BROWSER = Path(__file__).parent / "browser"
NAMES = ("chromium", "chromium-browser", "google-chrome")
PATIENCE = 240


def chromium() -> str:
    """The browser's program. Its absence fails a test: nothing is skipped."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        raise CannotStart("there is no Chromium: install it, such as by `apt-get install chromium` (`make browser`).")
    return found


def visit(pages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What was seen on each page; `pages` have url, scheme, width, and the keys that are pressed there."""
    installed(BROWSER, "playwright-core/index.js")
    job = {"browser": chromium(), "pages": pages}
    done = subprocess.run(
        [str(NODE), str(BROWSER / "visit.mjs")],
        input=json.dumps(job),
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    if done.returncode:
        raise CannotStart(f"the browser: {done.stderr[-2000:]}")
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found
