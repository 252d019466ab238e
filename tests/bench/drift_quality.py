"""How often the drift check alarms while nothing has changed, and which changes it finds.

`python -m tests.bench.drift_quality --json` prints {"false_alarm_rate", "columns_alarmed", "windows", "power",
"seasonal", "figures"}. A window is drawn from the distribution that its reference was drawn from, of mixed columns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import cycle, islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.domain.drift.check import Comparison, Window, compare
from core.domain.drift.strategy import Rules
from core.domain.profile import Context, Profile
from tests.mixed_rows import START, Data, in_season, moved, profile, rows, times

from ._common import parser, show

REFERENCES = (2_000, 20_000, 200_000)
WINDOWS = {500: 400, 2_000: 300, 10_000: 200, 100_000: 90, 1_000_000: 10}
"""Rows of a window -> how many windows."""
AT_ONCE = 65_536
KNOWN = 20_000
"""Rows of the reference that changes are measured against."""
SIZES = {500: 100, 1_000: 100, 2_000: 100, 10_000: 50, 100_000: 10}

Change = Callable[[np.random.Generator, Data], Data]
Numbers = NDArray[np.float32]


def main() -> None:
    """Draw, check, count."""
    options = parser(str(__doc__).splitlines()[0])
    options.add_argument("--share", type=float, default=1.0, help="of the windows that are drawn")
    chosen = options.parse_args()
    show(measure(chosen.share), as_json=chosen.json)


def measure(share: float) -> dict[str, Any]:
    """Everything, with this share of the windows."""
    quiet = {size: max(round(count * share), 1) for size, count in WINDOWS.items()}
    alarms = {size: list(_quiet(size, count)) for size, count in quiet.items()}
    checks = sum(map(len, alarms.values()))
    columns = sum(sum(_drifted(found)) for each in alarms.values() for found in each)
    return {
        "false_alarm_rate": sum(found.drifted for each in alarms.values() for found in each) / checks,
        "columns_alarmed": columns,
        "windows": {str(size): len(each) for size, each in alarms.items()},
        "power": power({size: max(round(count * share), 2) for size, count in SIZES.items()}),
        "seasonal": seasonal(max(round(140 * share), 7)),
        "figures": {"alarms": {str(size): sum(found.drifted for found in each) for size, each in alarms.items()}},
    }


def _drifted(found: Comparison) -> Iterator[bool]:
    columns = (*found.features, *found.outputs, *([found.joint] if found.joint else []))
    return (column.drifted for column in columns)


def _quiet(size: int, count: int) -> Iterator[Comparison]:
    """Checks of windows like the reference; each reference is drawn once for ten windows."""
    rng = np.random.default_rng(size)
    known: dict[int, Profile] = {}
    for number, reference in enumerate(islice(cycle(REFERENCES), count)):
        if number % (10 * len(REFERENCES)) < len(REFERENCES):
            known[reference] = profile(rows(rng, reference))
        yield compare(_window(known[reference], rng, size))


def _window(known: Profile, rng: np.random.Generator, size: int) -> Window:
    window = Window(known)
    for start in range(0, size, AT_ONCE):
        window = window.plus(*rows(rng, min(AT_ONCE, size - start)))
    return window


def _shifted(deviations: float) -> Change:
    return lambda _rng, data: ({**data[0], "normal0": data[0]["normal0"] + np.float32(deviations)}, data[1])


def _scaled(times_: float) -> Change:
    return lambda _rng, data: ({**data[0], "normal0": data[0]["normal0"] * np.float32(times_)}, data[1])


def _moved(column: str, share: float, to: object) -> Change:
    return lambda rng, data: ({**data[0], column: moved(rng, data[0][column], share, to)}, data[1])


def _parted(_rng: np.random.Generator, data: Data) -> Data:
    """`normal3` no longer goes with `normal2`; each is distributed as before."""
    return {**data[0], "normal3": np.roll(data[0]["normal3"], 1)}, data[1]


CHANGES: dict[str, tuple[str, Change]] = {
    **{f"number moved by {size:g} sd": ("normal0", _shifted(size)) for size in (0.1, 0.2, 0.25, 0.3, 0.5)},
    **{f"number spread {size:g} times": ("normal0", _scaled(size)) for size in (1.25, 1.5, 2)},
    "5 points of 3 categories": ("three", _moved("three", 0.05, "category 2")),
    "10 points of 3 categories": ("three", _moved("three", 0.10, "category 2")),
    "15 points of 3 categories": ("three", _moved("three", 0.15, "category 2")),
    "15 points of 100 categories": ("zipf", _moved("zipf", 0.15, "category 2")),
    "10 % new category": ("three", _moved("three", 0.10, "never seen")),
    "10 % null": ("normal0", _moved("normal0", 0.10, np.nan)),
    "0.8 correlation lost": ("joint", _parted),
}


def power(sizes: dict[int, int]) -> dict[str, dict[str, float]]:
    """Change -> rows of a window -> the share of windows in which its column was found."""
    rng = np.random.default_rng(7)
    known = profile(rows(rng, KNOWN))
    found: dict[str, dict[str, float]] = {}
    for change, (column, make) in CHANGES.items():
        found[change] = {}
        for size, count in sizes.items():
            hits = [_found(compare(Window(known).plus(*make(rng, rows(rng, size)))), column) for _ in range(count)]
            found[change][str(size)] = round(sum(hits) / count, 3)
    return found


def _found(comparison: Comparison, name: str) -> bool:
    columns = (*comparison.features, *comparison.outputs, *([comparison.joint] if comparison.joint else []))
    return any(column.drifted for column in columns if column.name == name)


def seasonal(days: int) -> dict[str, float]:
    """The share of single days that alarm where weekends are otherwise, with and without looking at the season."""
    rng = np.random.default_rng(8)
    when = times(rng, KNOWN, 56)
    data = in_season(rows(rng, KNOWN), when, rng)
    known = profile(data, Context(times=when, output_times=when))
    alarms = {"week": 0, "none": 0}
    for day in range(days):
        today = times(rng, 2_000, 1, START + np.timedelta64(day, "D"))
        window = Window(known).plus(*in_season(rows(rng, 2_000), today, rng), today)
        alarms["week"] += compare(window, Rules(season="week")).drifted
        alarms["none"] += compare(window, Rules(season=None)).drifted
    return {season: count / days for season, count in alarms.items()}


if __name__ == "__main__":
    main()
