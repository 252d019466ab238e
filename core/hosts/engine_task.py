"""The host of one task on an engine's worker: it opens the stores that the task names, and scores its part.

What it needs is in the task; credentials are in the worker's own environment.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from ..adapters.registry import open_url
from ..code import code_version
from ..domain.batch import Input, Start
from ..errors import Refused, VersionMismatch
from ..inference.predictor import load_predictor
from ..ports import Engine, ObjectStore
from ..settings import Settings
from ..usecases.batch_place import folder_place
from ..usecases.file_work import FileWork
from ..usecases.load_model import LoadedModel, load_version
from ..usecases.score_batch import Task, part_prefix
from ..usecases.score_parts import score_parts
from ..usecases.scored_part import Scored


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Scores tasks of a run on `engine`, between the folders at `source` and `output`, by the zone at `models`.

    `files` are the inputs by their numbers.
    """

    engine: Engine
    source: str
    output: str
    models: str
    files: Sequence[Input]

    def __call__(self, start: Start, run: str, tasks: Iterable[Task]) -> Iterator[Sequence[Scored]]:
        """What each task came to."""
        code = code_version()
        orders = (
            Order(
                self.source,
                self.output,
                self.models,
                self.files[task.file],
                part_prefix(task.file, len(self.files)),
                start.encode(),
                run,
                code,
                task,
            )
            for task in tasks
        )
        yield from self.engine.map(do, orders)


@dataclass(frozen=True, slots=True)
class Order:
    """A task with everything that it needs. Every field can be pickled."""

    source: str
    output: str
    models: str
    file: Input
    prefix: str
    start: bytes
    run: str
    code: str
    task: Task


def do(order: Order) -> list[Scored]:
    """Score the part, or all parts of the file, unless that is done.

    Raises VersionMismatch if the file was replaced, Refused if this worker has other code than who asks.
    """
    if code_version() != order.code:
        raise Refused(f"this worker runs Tidemill {code_version()}, not {order.code}: deploy the same on both.")
    start = Start.decode(order.start)
    source = _store(order.source)
    info = source.head(order.file.key)
    if info.version != order.file.version:
        raise VersionMismatch(f"object {info.key!r} was replaced since the run began.")
    work = FileWork(
        number=order.task.file,
        source=source,
        info=info,
        place=folder_place(_store(order.output), ""),
        loaded=_model(order.models, start.model, start.version),
        start=start,
        run=order.run,
        resumed=True,
        prefix=order.prefix,
        only=order.task.number,
    )
    return list(score_parts([work], 1))


@lru_cache(maxsize=16)
def _store(url: str) -> ObjectStore:
    return open_url(url, Settings.from_env().environ)


@lru_cache(maxsize=4)
def _model(models: str, model: str, version: str) -> LoadedModel:
    return load_version(_store(models), model, version, load_predictor)
