"""Intervals as cron writes them, for the clouds that know nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from core.declaration import Declaration
from core.spec import ModelSpec

MINUTES = (1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30)
HOURS = (1, 2, 3, 4, 6, 8, 12)
WEEK = timedelta(days=7)


def interval(declared: Declaration, spec: ModelSpec) -> timedelta | None:
    """How often a spec wants a function to be called by the clock; None if it does not."""
    if declared.schedule is None:
        return None
    section, field = declared.schedule.split(".")
    every: timedelta | None = getattr(getattr(spec, section), field)
    return every


def cron(every: timedelta) -> str:
    """The longest interval that cron can say evenly and that is no longer than `every`; a minute at least.

    >>> cron(timedelta(hours=1)), cron(timedelta(minutes=45)), cron(timedelta(days=1)), cron(timedelta(days=30))
    ('0 * * * *', '*/30 * * * *', '0 0 * * *', '0 0 * * 0')
    """
    if every >= WEEK:
        return "0 0 * * 0"
    if every >= timedelta(days=1):
        return "0 0 * * *"
    if every >= timedelta(hours=1):
        hours = max(step for step in HOURS if timedelta(hours=step) <= every)
        return "0 * * * *" if hours == 1 else f"0 */{hours} * * *"
    minutes = max((step for step in MINUTES if timedelta(minutes=step) <= every), default=1)
    return f"*/{minutes} * * * *"


def clocks(declared: list[Declaration], specs: list[ModelSpec]) -> Iterator[dict[str, str]]:
    """Every schedule of every function and model: its name, the function, the model, and the cron expression."""
    for each in declared:
        for spec in specs:
            every = interval(each, spec)
            if every is not None:
                name = f"{each.name.replace('_', '-')}-{spec.model}"
                yield {"name": name, "function": each.name, "model": spec.model, "cron": cron(every)}
