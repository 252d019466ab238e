"""How long a batch run takes on many workers, simulated from what is measured of one: the table of docs/scaling.md.

`python -m tests.bench.batch_scaling` prints the table, with `--json` as one object. Tasks go to whichever worker is
free; the scheduler gives one at a time, and no two take quite as long.
"""

from __future__ import annotations

import heapq
import sys
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.tables.input_parts import PART_ROWS

from ._common import parser, show

GIB = 1 << 30


@dataclass(frozen=True)
class Engine:
    """What one is like. `start` seconds until the workers are there, `task` that a task costs beside its rows.

    `schedule` are the seconds that the scheduler needs for a task, during which no other starts; `dollars` are for a
    worker's hour, a processor and two gigabytes at list price.
    """

    start: float
    task: float
    schedule: float
    dollars: float


ENGINES = {
    "this machine": Engine(0.9, 0.0, 0.0, 0.0),
    "Dask": Engine(1.0, 0.02, 0.002, 0.0494),
    "Distributed Map": Engine(5.0, 0.5, 0.004, 0.1062),
}
ROWS_PER_SECOND = 390_000
"""Of one processor, measured: see docs/scaling.md."""

BYTES_A_ROW = 64
SPREAD = 0.25
"""Of the logarithm of a task's time."""

CASES = [(1, 2), (10, 8), (100, 32), (100, 100), (1024, 100), (1024, 1_000)]
"""Gibibytes of Parquet and workers."""


def main() -> None:
    """Print the table."""
    options = parser(str(__doc__).splitlines()[0])
    chosen = options.parse_args()
    found = {f"{gib} GiB, {workers} workers": times(gib, workers) for gib, workers in CASES}
    if chosen.json:
        show({"seconds": found}, as_json=True)
        return
    sys.stdout.write(f"| input | {' | '.join(ENGINES)} |\n| --- |{' --- |' * len(ENGINES)}\n")
    for case, told in found.items():
        cells = [f"{each['seconds']:,} s, ${each['dollars']:.2f}" if each else "-" for each in told.values()]
        sys.stdout.write(f"| {case} | {' | '.join(cells)} |\n")


def times(gib: int, workers: int) -> dict[str, dict[str, Any]]:
    """Seconds and dollars on each engine; this machine has two processors, whatever there are elsewhere."""
    rows = gib * GIB // BYTES_A_ROW
    found = {}
    for name, engine in ENGINES.items():
        count = 2 if name == "this machine" else workers
        taken = simulated(-(-rows // PART_ROWS), count, engine)
        found[name] = {"seconds": round(taken), "dollars": round(taken / 3600 * count * engine.dollars, 2)}
    return found


def simulated(tasks: int, workers: int, engine: Engine) -> float:
    """Seconds until the last of the tasks is done."""
    lengths = PART_ROWS / ROWS_PER_SECOND * np.random.default_rng(7).lognormal(0, SPREAD, tasks) + engine.task
    free = [engine.start] * workers
    for number, length in enumerate(lengths.tolist()):
        given = engine.start + number * engine.schedule
        heapq.heapreplace(free, max(free[0], given) + length)
    return max(free)


if __name__ == "__main__":
    main()
