"""Score the parts of files as a stream: one thread reads ahead, several answer, one writes behind.

What is in memory is bounded by the batches between them, whatever the size of the files. A part is finished by its
record, which is written last; one that has its record is passed over.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

import pyarrow as pa

from ..domain.batch import Done, Output, Start
from ..domain.canonical import sha256
from ..errors import AlreadyExists, NotFound
from ..ports import ObjectInfo, Reads, ReadsCreates
from ..tables.ahead import read_ahead
from ..tables.answer_files import divided, encode_answers
from ..tables.answers import Answering, Answers
from ..tables.input_parts import InputPart, input_parts
from ..tables.memory import give_back_early
from ..tables.parts import store_part
from ..tables.predictions import recorded, same_rows
from .batch_place import Place
from .load_model import LoadedModel
from .quarantine import Quarantine

READ_AHEAD = 3
"""Batches that are read before they are asked for."""

LEAST_THREADS = 2
"""Threads that answer, on one processor too: while one waits for the interpreter the other computes."""


@dataclass(frozen=True, slots=True)
class FileWork:
    """File `number` of a run, or part `only` of it. With `resumed`, some of its parts may be finished.

    `prefix` begins the names of its parts.
    """

    number: int
    source: Reads
    info: ObjectInfo
    place: Place
    loaded: LoadedModel
    start: Start
    run: str
    resumed: bool
    prefix: str = ""
    only: int | None = None

    def name(self, number: int) -> str:
        """The name of part `number`."""
        return f"{self.prefix}{number:05d}"

    def done(self, number: int) -> Done | None:
        """The record of a part, if it is finished."""
        try:
            return Done.decode(self.place.output.get(self.place.done(self.name(number))).data)
        except NotFound:
            return None

    def answering(self) -> Answering:
        """What the file's batches go through."""
        loaded, options = self.loaded, self.start.options
        recorded_run = self.place.recorded
        return Answering(self.info.key, loaded.manifest, loaded.predictor, options, recorded=recorded_run)


Scored = tuple[int, int, Done]
"""The number of a file, that of a part of it, and what became of the part."""


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
        yield from _Stream(threads, tell).run(batches)
    yield from found


@dataclass(frozen=True, slots=True)
class _Batch:
    file: FileWork
    answering: Answering
    part: InputPart


def _batches(files: Iterable[FileWork], is_wanted: Callable[[int], bool], found: deque[Scored]) -> Iterator[_Batch]:
    """The batches of all parts that are open; those that are finished go to `found`."""
    for file in files:
        answering = file.answering()

        def is_open(number: int, file: FileWork = file) -> bool:
            if file.only not in {None, number}:
                return False
            done = file.done(number) if file.resumed else None
            if done is not None:
                found.append((file.number, number, done))
                return False
            return is_wanted(number)

        for part in input_parts(file.source, file.info, answering.names, answering.coded, is_open):
            yield _Batch(file, answering, part)


class _Stream:
    """From batches to finished parts."""

    def __init__(self, threads: int, tell: Callable[[int], None]) -> None:
        self._threads = threads
        self._tell = tell
        self._answered: deque[tuple[_Batch, Future[Answers]]] = deque()
        self._written: deque[Future[Scored]] = deque()
        self._part: _Part | None = None

    def run(self, batches: Iterator[_Batch]) -> Iterator[Scored]:
        """Give the parts as they are finished; what fails is raised behind the parts before it."""
        pool, writer = ThreadPoolExecutor(self._threads, "answer"), ThreadPoolExecutor(1, "write")
        error: Exception | None = None
        try:
            while (batch := self._next(batches)) is not None:
                if isinstance(batch, Exception):
                    error = batch
                    break
                self._answered.append((batch, pool.submit(batch.answering, batch.part.raw)))
                yield from self._settled(writer, self._threads, 1)
            yield from self._settled(writer, 0, 0)
        finally:
            for executor in (pool, writer):
                executor.shutdown(cancel_futures=True)
        if error is not None:
            raise error

    @staticmethod
    def _next(batches: Iterator[_Batch]) -> _Batch | Exception | None:
        try:
            return next(batches, None)
        except Exception as error:  # noqa: BLE001 - raised by `run`, once what was read before is finished
            return error

    def _settled(self, writer: ThreadPoolExecutor, answering: int, writing: int) -> Iterator[Scored]:
        """Wait until no more than so many batches are being answered, and so many parts written."""
        while len(self._answered) > answering:
            batch, answers = self._answered.popleft()
            self._add(batch, answers.result(), writer)
        while len(self._written) > writing:
            yield self._written.popleft().result()

    def _add(self, batch: _Batch, answers: Answers, writer: ThreadPoolExecutor) -> None:
        self._part = self._part or _Part(batch.file, batch.part)
        self._part.add(answers)
        self._tell(len(batch.part.raw.rows) + len(batch.part.raw.broken))
        if batch.part.last:
            self._written.append(writer.submit(self._part.finish))
            self._part = None


@dataclass
class _Part:
    """One part as it fills."""

    file: FileWork
    input: InputPart
    rows: int = 0
    outside: int = 0
    batches: list[pa.RecordBatch] = field(default_factory=list)

    def __post_init__(self) -> None:
        place, name = self.file.place, self.file.name(self.input.number)
        self.rejects = Quarantine(place.rejects, lambda piece: place.rejected(name, piece))

    def add(self, answers: Answers) -> None:
        """Take what became of the next batch."""
        self.rejects.add(answers.rejected)
        self.outside += answers.outside
        if not len(answers.rows):
            return
        self.batches.append(self._recorded(answers.rows) if self.file.place.recorded else answers.rows)
        self.rows += len(answers.rows)

    def finish(self) -> Scored:
        """Write the part, and its record last."""
        self.input.check_version()
        counts = self.rejects.finish()
        outputs = tuple(self._outputs()) if self.batches else ()
        done = Done(self.rows, self.rejects.count, self.outside, counts["reasons"], outputs)
        key = self.file.place.done(self.file.name(self.input.number))
        return (
            self.file.number,
            self.input.number,
            Done.decode(create_or_read(self.file.place.output, key, done.encode())),
        )

    def _recorded(self, rows: pa.RecordBatch) -> pa.RecordBatch:
        at = datetime.fromisoformat(self.file.start.answered_at)
        manifest = self.file.loaded.manifest
        return recorded(rows, manifest, run=self.file.run, part=self.input.number, row=self.rows, at=at)

    def _outputs(self) -> Iterator[Output]:
        manifest, options, place = self.file.loaded.manifest, self.file.start.options, self.file.place
        name = self.file.name(self.input.number)
        for folder, rows in divided(pa.Table.from_batches(self.batches), options.partition_by):
            made = encode_answers(rows, manifest.schema.id)
            key = place.part(name, folder)
            stored = store_part(place.output, key, made, partial(same_rows, manifest=manifest))
            yield Output(key.removeprefix(place.folder), len(rows), sha256(stored))


def create_or_read(store: ReadsCreates, key: str, data: bytes) -> bytes:
    """Write the object; if another attempt has, what that wrote."""
    try:
        store.create(key, data)
    except AlreadyExists:
        return store.get(key).data
    return data
