"""A stream from batches to finished parts: some threads check, some answer, one writes behind.

Checked rows are gathered into windows, the next one while this one is answered. What is in memory is bounded by two
windows and the few batches in front of them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

import pyarrow as pa

from ..tables.input_parts import InputPart
from ..tables.questions import Asking, Sifted
from ..tables.window import ROWS, Question, Window
from .file_work import FileWork
from .scored_part import Scored, ScoredPart


@dataclass(frozen=True, slots=True)
class Batch:
    """Some rows of a part of a file."""

    file: FileWork
    asking: Asking
    part: InputPart


@dataclass
class _Gathered:
    """What will be asked together, as it fills: `rows` were read, `good` of them are asked about."""

    part: ScoredPart
    rows: int = 0
    good: int = 0
    questions: list[Question] = field(default_factory=list)

    def add(self, batch: Batch, sifted: Sifted) -> None:
        self.part.leave_out(sifted)
        self.rows += len(batch.part.raw.rows) + len(batch.part.raw.broken)
        self.good += len(sifted.question)
        self.questions.append(sifted.question)


@dataclass(frozen=True, slots=True)
class _Asked:
    """A window that is being answered; `last` if no more of its part follow."""

    part: ScoredPart
    rows: int
    window: Window
    lots: Sequence[Future[pa.RecordBatch]]
    last: bool


class ScoreStream:
    """Scores batches by `threads` that answer and as many that check; `tell` is told of rows as they are answered."""

    def __init__(self, threads: int, tell: Callable[[int], None]) -> None:
        self._threads = threads
        self._tell = tell
        self._checkers = ThreadPoolExecutor(threads, "check")
        self._answerers = ThreadPoolExecutor(threads, "answer")
        self._writer = ThreadPoolExecutor(1, "write")
        self._checked: deque[tuple[Batch, Future[Sifted]]] = deque()
        self._gathered: _Gathered | None = None
        self._asked: deque[_Asked] = deque()
        self._written: deque[Future[Scored]] = deque()

    def run(self, batches: Iterator[Batch]) -> Iterator[Scored]:
        """Give the parts as they are finished; what fails is raised behind the parts before it."""
        error: Exception | None = None
        try:
            while (batch := _next(batches)) is not None:
                if isinstance(batch, Exception):
                    error = batch
                    break
                self._checked.append((batch, self._checkers.submit(batch.asking, batch.part.raw)))
                yield from self._settled(checking=self._threads, answering=1, writing=1)
            yield from self._settled(checking=0, answering=0, writing=0)
        finally:
            for pool in (self._checkers, self._answerers, self._writer):
                pool.shutdown(cancel_futures=True)
        if error is not None:
            raise error

    def _settled(self, *, checking: int, answering: int, writing: int) -> Iterator[Scored]:
        """Wait until no more than so many batches are being checked, windows answered and parts written."""
        while len(self._checked) > checking:
            batch, sifted = self._checked.popleft()
            self._gather(batch, sifted.result())
        while len(self._asked) > answering:
            self._add(self._asked.popleft())
        while len(self._written) > writing:
            yield self._written.popleft().result()

    def _gather(self, batch: Batch, sifted: Sifted) -> None:
        gathered = self._gathered or _Gathered(ScoredPart(batch.file, batch.part))
        gathered.add(batch, sifted)
        self._gathered = gathered
        if batch.part.last or gathered.good >= ROWS:
            self._asked.append(self._ask(gathered, last=batch.part.last))
            self._gathered = None if batch.part.last else _Gathered(gathered.part)

    def _ask(self, gathered: _Gathered, *, last: bool) -> _Asked:
        window = gathered.part.file.window(gathered.questions)
        lots = [self._answerers.submit(window.answer, lot) for lot in range(window.lots)]
        return _Asked(gathered.part, gathered.rows, window, lots, last)

    def _add(self, asked: _Asked) -> None:
        for answered in asked.window.answered([lot.result() for lot in asked.lots]):
            asked.part.add(answered)
        self._tell(asked.rows)
        if asked.last:
            self._written.append(self._writer.submit(asked.part.finish))


def _next(batches: Iterator[Batch]) -> Batch | Exception | None:
    try:
        return next(batches, None)
    except Exception as error:  # noqa: BLE001 - raised by `run`, once what was read before is finished
        return error
