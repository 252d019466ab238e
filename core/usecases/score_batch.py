"""Score files: checked rows in, answered rows out, the others to quarantine with their reasons.

Which version answers, and the time of answering, are fixed by the first write and hold for every attempt. Parts are cut
by the file's bytes alone and written create-only, each with a record behind it that a later attempt finds; `_SUCCESS`
is written last and is what a repeated event finds.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from .. import layout
from ..domain.batch import Input, Options, Output, Start, Success, joint_input
from ..domain.canonical import canonical_json, content_version
from ..domain.schema import Schema
from ..errors import BadInput, NotFound, Refused, TimeUp, Transient, VersionMismatch
from ..ports import Clock, LoadPredictor, ObjectInfo, Reads, ReadsCreates
from ..tables.input_parts import count_parts, is_divisible
from ..tables.questions import check_options
from .batch_place import Place, folder_place, zone_place
from .batch_time import OutOfTime, SecondsLeft, TimeBox, TooLittleTime, unlimited
from .file_work import FileWork
from .load_model import LoadedModel, load_version, read_manifest
from .promote import current_route
from .quarantine import FORMAT, create_once, write_report
from .score_parts import score_parts, threads_here
from .scored_part import Scored, create_or_read

MANY_FILES = 1_000
"""From so many files on, an engine is given whole files: their parts would be more tasks than it schedules well."""

Tell = Callable[[int], None]
"""Is told of some more rows that were read and answered, or rejected."""


def tell_nobody(_rows: int) -> None:
    """Nothing."""


AS_IT_COMES = Options()


@dataclass(frozen=True, slots=True)
class BatchResult:
    """A finished run. `output` are the keys of its parts; `seconds` is None if it had been finished before.

    `outside` rows are not of the time that was asked for. `read` are the rows that this attempt went through: less than
    all of them if an earlier one had finished some parts.
    """

    model: str
    version: str
    run: str
    rows: int
    quarantined: int
    output: tuple[str, ...]
    outside: int = 0
    seconds: float | None = None
    read: int | None = None

    def to_json(self) -> dict[str, Any]:
        """As in the public contract; `rows_per_second` is null if it had been finished before."""
        rate = None if self.seconds is None else round((self.read or 0) / max(self.seconds, 1e-9), 1)
        return {**asdict(self), "output": list(self.output), "rows_per_second": rate}


@dataclass(frozen=True, slots=True)
class File:
    """One version of a file to score."""

    source: Reads
    info: ObjectInfo

    @property
    def input(self) -> Input:
        """As a run tells of it."""
        return Input(self.info.key, self.info.version)


@dataclass(frozen=True, slots=True)
class Task:
    """A piece of a run that is done by itself: part `number` of file `file`, or all parts of it if that is None."""

    file: int
    number: int | None = None


Engine = Callable[[Start, str, Iterable[Task]], Iterable[Sequence[Scored]]]
"""Does the tasks of a run somewhere else: the start, the run, its tasks -> what each of them came to, in any order."""


@dataclass(frozen=True, slots=True)
class Means:
    """What scoring needs from outside. `engine` is None for this process, which has `seconds_left` to do it."""

    load: LoadPredictor
    clock: Clock
    code: str
    seconds_left: SecondsLeft = unlimited
    tell: Tell = tell_nobody
    engine: Engine | None = None


def score_batch(
    landing: Reads,
    models: Reads,
    predictions: ReadsCreates,
    quarantine: ReadsCreates,
    *,
    key: str,
    means: Means,
    options: Options = AS_IT_COMES,
    version: str | None = None,
) -> BatchResult:
    """Score the file at `landing` key `<model>/score/<name>` with the version that serves.

    Raises Transient while no version serves, so that the file waits; VersionMismatch if the file is not `version` (any
    more); TimeUp near the end of the host's time; BadInput if the file as a whole cannot be used, each time it is asked
    for: quarantine says so too.
    """
    model, drop, _ = layout.parse_landing(key)
    if drop != "score":
        raise BadInput(f"{key!r} is not to be scored: only files below {model}/score/ are.")
    file = File(landing, landing.head(key))
    if version not in {None, file.info.version}:
        raise VersionMismatch(f"object {key!r} is not version {version!r} any more.")
    run, source = run_of(file.input), layout.source_id(key, file.info.version)
    place = zone_place(predictions, quarantine, model, run, source)
    return _Run((file,), file.input, models, model, place, options, means).result()


def is_settled(landing: Reads, predictions: Reads, key: str) -> bool:
    """Whether the file at `landing` key, as it is now, has been scored or refused."""
    model, _, _ = layout.parse_landing(key)
    run = run_of(File(landing, landing.head(key)).input)
    return any(_exists(predictions, end(model, run)) for end in (layout.batch_success, layout.batch_refused))


def score_files(
    files: Sequence[File],
    name: str,
    output: ReadsCreates,
    prefix: str,
    *,
    models: Reads,
    model: str,
    means: Means,
    options: Options = AS_IT_COMES,
    version: str | None = None,
) -> BatchResult:
    """Score any files of any stores into any folder, by `version` or by the one that serves; `name` is theirs together.

    Raises Transient while no version serves, Refused if the folder has the answers of another version or to other
    files, BadInput if a file as a whole cannot be used.
    """
    if not files:
        raise BadInput(f"{name!r} names no file to score.")
    source = files[0].input if len(files) == 1 else joint_input(name, [file.input for file in files])
    run = _Run(tuple(files), source, models, model, folder_place(output, prefix), options, means, version)
    run.refuse_other_answers()
    check_options(run.schema(), options)
    return run.result()


def run_of(source: Input) -> str:
    """The same input is the same run, whoever serves by then."""
    return content_version(asdict(source))


def part_prefix(file: int, files: int) -> str:
    """What the names of a file's parts begin with."""
    return f"{file:05d}-" if files > 1 else ""


@dataclass(frozen=True, slots=True)
class _Run:
    """Some files, one model, one place for the answers."""

    files: tuple[File, ...]
    source: Input
    models: Reads
    model: str
    place: Place
    options: Options
    means: Means
    version: str | None = None

    def result(self) -> BatchResult:
        """Score, unless that is done."""
        began = time.perf_counter()
        done = _read(self.place.output, self.place.success)
        if done is not None:
            return self._told(Success.decode(done))
        start, resumed = self._started()
        loaded = load_version(self.models, self.model, start.version, self.means.load)
        tally = _Tally(self.means.tell)
        try:
            for scored in self._scored(loaded, start, tally, resumed=resumed):
                tally.add(scored)
        except BadInput as error:
            self._refuse(start, str(error))
            raise
        except OutOfTime:
            raise self._handed_on(tally) from None
        success = self._success(start, tally)
        return self._told(success, time.perf_counter() - began, tally.read)

    def schema(self) -> Schema:
        """That of the version that answers; raises NotFound if there is no such version."""
        return read_manifest(self.models, self.model, self._answering()).schema

    def refuse_other_answers(self) -> None:
        """Raise Refused if the folder holds another run than the one that is asked for."""
        stored = _read(self.place.output, self.place.start)
        if stored is None:
            return
        start = Start.decode(stored)
        asked = (self.model, self._answering(), self.source, self.options)
        if (start.model, start.version, start.source, start.options) != asked:
            raise Refused(
                f"the output {self.place.folder!r} has the answers of version {start.version} of model {start.model} "
                f"to {start.source.key!r}, or is asked for otherwise now; choose another output."
            )

    def _answering(self) -> str:
        if self.version is not None:
            return self.version
        route = current_route(self.models, self.model)
        if route is None:
            raise Transient(f"no version of model {self.model} serves yet; train one, the file waits.")
        return route.champion

    def _started(self) -> tuple[Start, bool]:
        """What the first attempt wrote, and whether that was another than this."""
        stored = _read(self.place.output, self.place.start)
        if stored is not None:
            return Start.decode(stored), True
        now = self.means.clock.now().isoformat()
        made = Start(self.model, self._answering(), now, self.source, self.options).encode()
        stored = create_or_read(self.place.output, self.place.start, made)
        return Start.decode(stored), stored != made

    def _scored(self, loaded: LoadedModel, start: Start, tally: _Tally, *, resumed: bool) -> Iterator[Scored]:
        run = run_of(self.source)
        if self.means.engine is not None:
            for scored in self.means.engine(start, run, self._tasks()):
                yield from scored
                tally.count(sum(done.read for _, _, done in scored))
            return
        box = TimeBox(self.means.seconds_left)
        works = self._works(loaded, start, run, resumed=resumed)
        yield from score_parts(works, threads_here(), is_wanted=box.has_time, tell=tally.count)

    def _works(self, loaded: LoadedModel, start: Start, run: str, *, resumed: bool) -> Iterator[FileWork]:
        for at, file in enumerate(self.files):
            prefix = part_prefix(at, len(self.files))
            yield FileWork(at, file.source, file.info, self.place, loaded, start, run, resumed, prefix)

    def _tasks(self) -> Iterator[Task]:
        """Parts of what can be divided, and files of what cannot, or of what is many files anyway."""
        for at, file in enumerate(self.files):
            if len(self.files) >= MANY_FILES or not is_divisible(file.info.key):
                yield Task(at)
            else:
                yield from (Task(at, number) for number in range(count_parts(file.source, file.info)))

    def _handed_on(self, tally: _Tally) -> Transient:
        """What to raise near the end of the host's time: a successor may go on only from where this one has come."""
        if tally.read:
            return TimeUp(f"time is up: {tally.rows:,} rows of {self.source.key!r} are scored, the rest goes on.")
        return TooLittleTime(
            f"{self.source.key!r} has parts that take longer than this host gives: score it elsewhere."
        )

    def _success(self, start: Start, tally: _Tally) -> Success:
        """Write what came of it all."""
        if tally.quarantined:
            self._report({"rows": tally.rows + tally.quarantined, **tally.reasons()})
        success = Success(
            model=self.model,
            version=start.version,
            run=run_of(self.source),
            answered_at=start.answered_at,
            source=self.source,
            rows=tally.rows,
            quarantined=tally.quarantined,
            parts=tally.outputs(),
            code=self.means.code,
            outside=tally.outside,
            options=start.options,
        )
        return Success.decode(create_or_read(self.place.output, self.place.success, success.encode()))

    def _refuse(self, start: Start, reason: str) -> None:
        """Tell that nothing comes of this input, so that no schedule tries it again."""
        self._report({"refused": reason})
        refusal = {"format": FORMAT, "model": self.model, "version": start.version, "source": asdict(self.source)}
        create_once(self.place.output, self.place.refused, canonical_json({**refusal, "reason": reason}))

    def _report(self, found: Mapping[str, Any]) -> None:
        source = asdict(self.source)
        write_report(self.place.rejects, self.place.report, model=self.model, source=source, found=found)

    def _told(self, success: Success, seconds: float | None = None, read: int | None = None) -> BatchResult:
        keys = tuple(f"{self.place.folder}{part.key}" for part in success.parts)
        counts = (success.rows, success.quarantined, keys, success.outside)
        return BatchResult(success.model, success.version, success.run, *counts, seconds, read)


class _Tally:
    """What became of all parts; `read` are the rows that this attempt went through."""

    def __init__(self, tell: Tell) -> None:
        self.rows, self.quarantined, self.outside, self.read = 0, 0, 0, 0
        self._tell = tell
        self._reasons: Counter[str] = Counter()
        self._outputs: list[tuple[int, int, tuple[Output, ...]]] = []

    def count(self, rows: int) -> None:
        """Some more rows were gone through."""
        self.read += rows
        self._tell(rows)

    def add(self, scored: Scored) -> None:
        """A part is finished."""
        file, number, done = scored
        self.rows += done.rows
        self.quarantined += done.quarantined
        self.outside += done.outside
        self._reasons.update(done.reasons)
        self._outputs.append((file, number, done.outputs))

    def reasons(self) -> dict[str, Any]:
        """How many rows were rejected, and how often for each reason, the most frequent first."""
        ordered = sorted(self._reasons.items(), key=lambda item: (-item[1], item[0]))
        return {"rejected": self.quarantined, "reasons": dict(ordered)}

    def outputs(self) -> tuple[Output, ...]:
        """All that was written, in the order of the input."""
        return tuple(output for _, _, outputs in sorted(self._outputs) for output in outputs)


def _read(store: Reads, key: str) -> bytes | None:
    try:
        return store.get(key).data
    except NotFound:
        return None


def _exists(store: Reads, key: str) -> bool:
    try:
        store.head(key)
    except NotFound:
        return False
    return True
