"""How far a batch run is, on stderr: a bar where someone looks, lines where not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich import progress as rich_progress
from rich.console import Console

from ..usecases.batch_progress import EVERY, Progress

Show = Callable[[Progress], None]

MOVES = 0.2
"""Seconds between two moves of the bar."""


def pause(console: Console) -> float:
    """Seconds between two reports there."""
    return MOVES if console.is_terminal else EVERY


@contextmanager
def bar(console: Console) -> Iterator[Show]:
    """Shows progress as long as the `with` lasts."""
    if not console.is_terminal:
        yield lambda progress: console.print(f"Scored {progress}.", highlight=False, markup=False, soft_wrap=True)
        return
    columns = (rich_progress.BarColumn(), rich_progress.TextColumn("{task.description}"))
    with rich_progress.Progress(*columns, console=console, transient=True) as shown:
        task = shown.add_task("Reading", total=None)
        yield lambda progress: shown.update(
            task, description=str(progress), completed=progress.rows, total=progress.total
        )
