"""A window of any number of rows, read part by part. `large ROWS` prints {"rows", "seconds", "drifted"}"""

from __future__ import annotations

import json
import sys
import time

import numpy as np

from core.domain.columns import Outputs
from core.domain.drift.check import Window, compare
from core.domain.profile import Profile

from .data import drawn
from .ours import profile_of

AT_ONCE = 65_536


def main() -> None:
    """Draw, count and compare."""
    rows, rng = int(sys.argv[1]), np.random.default_rng(9)
    window, counting = Window(Profile.decode(profile_of(drawn(rng, AT_ONCE)))), 0.0
    for start in range(0, rows, AT_ONCE):
        part = drawn(rng, min(AT_ONCE, rows - start))
        began = time.perf_counter()
        window = window.plus(part, Outputs(prediction=part["number_0"]))
        counting += time.perf_counter() - began
    found = compare(window)
    sys.stdout.write(json.dumps({"rows": window.rows, "seconds": round(counting, 2), "drifted": found.drifted}) + "\n")


if __name__ == "__main__":
    main()
