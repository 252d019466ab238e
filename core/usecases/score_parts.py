"""Score the parts of files as a stream. A part that has its record is passed over."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator

from ..tables.ahead import read_ahead
from ..tables.input_parts import input_parts
from ..tables.memory import give_back_early
from .file_work import FileWork
from .score_stream import Batch, ScoreStream
from .scored_part import Scored

READ_AHEAD = 1
"""Batches that wait to be checked while the next one is read: three take 10 MB more, and are no faster."""

LEAST_THREADS = 2
"""Threads that answer, on one processor too: while one waits for the interpreter the other computes."""


def threads_here() -> int:
    """As many as there are processors for this process, two at least."""
    return max(LEAST_THREADS, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)


def score_parts(
    files: Iterable[FileWork],
    threads: int,
    *,
    is_wanted: Callable[[int], bool] = lambda _number: True,
    tell: Callable[[int], None] = lambda _rows: None,
) -> Iterator[Scored]:
    """Score every wanted part of the files that is not finished; gives all that are, those that were before too.

    `tell` is told of rows as they are answered. What `is_wanted` raises is raised once the parts before are finished.
    Raises BadInput when a file cannot be used, VersionMismatch if it is replaced meanwhile, Corrupt if other answers
    stand in the place of these.
    """
    give_back_early()
    found: deque[Scored] = deque()
    with read_ahead(_batches(files, is_wanted, found), READ_AHEAD) as batches:
        yield from ScoreStream(threads, tell).run(batches)
    yield from found


def _batches(files: Iterable[FileWork], is_wanted: Callable[[int], bool], found: deque[Scored]) -> Iterator[Batch]:
    """The batches of all parts that are open; those that are finished go to `found`."""
    for file in files:
        asking = file.asking()

        def is_open(number: int, file: FileWork = file) -> bool:
            if file.only not in {None, number}:
                return False
            done = file.done(number) if file.resumed else None
            if done is not None:
                found.append((file.number, number, done))
                return False
            return is_wanted(number)

        for part in input_parts(file.source, file.info, asking.names, asking.coded, is_open):
            yield Batch(file, asking, part)
