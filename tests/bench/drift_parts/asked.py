"""A child of the speed bench: it learns a reference once, then checks the window whenever it is asked to."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable


def answer(check: Callable[[], object], fit_seconds: float) -> None:
    """Print the seconds that learning took, then of one check for each line of stdin, the first not counted."""
    check()
    _tell({"fit": fit_seconds})
    for _ in sys.stdin:
        began = time.perf_counter()
        check()
        _tell({"seconds": time.perf_counter() - began})


def _tell(found: dict[str, float]) -> None:
    sys.stdout.write(json.dumps(found) + "\n")
    sys.stdout.flush()
