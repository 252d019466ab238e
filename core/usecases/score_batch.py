"""Score a file: checked rows in, answered rows out, the others to quarantine with their reasons.

Which version answers, and the time of answering, are fixed by the first write and hold for every attempt. Parts are cut
by the file's bytes alone and written create-only; `_SUCCESS` is written last and is what a repeated event finds.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import partial
from typing import Any

import pyarrow as pa

from .. import layout
from ..domain.batch import Input, Start, Success
from ..domain.canonical import canonical_json, content_version
from ..errors import AlreadyExists, BadInput, NotFound, Refused, Transient
from ..ports import Clock, LoadPredictor, ObjectInfo, Reads, ReadsCreates
from ..tables.checked import checked_batches
from ..tables.columns import to_columns
from ..tables.parts import Parts
from ..tables.predictions import same_rows, scored
from .load_model import LoadedModel, load_version
from .promote import current_route
from .quarantine import FORMAT, Quarantine, create_once, write_report

PART_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class BatchResult:
    """A finished run. `output` are the keys of its parts; `seconds` is None if it had been finished before."""

    model: str
    version: str
    run: str
    rows: int
    quarantined: int
    output: tuple[str, ...]
    seconds: float | None = None

    def to_json(self) -> dict[str, Any]:
        """As in the public contract; `rows_per_second` is null if it had been finished before."""
        rate = None if self.seconds is None else round(self.rows / max(self.seconds, 1e-9), 1)
        return {**asdict(self), "output": list(self.output), "rows_per_second": rate}


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a run writes: its folder in `output`, and its rejected rows in `rejects`."""

    output: ReadsCreates
    start: str
    success: str
    refused: str
    part: Callable[[int], str]
    rejects: ReadsCreates
    rejected_part: Callable[[int], str]
    rejected_report: str


def score_batch(
    landing: Reads,
    models: Reads,
    predictions: ReadsCreates,
    quarantine: ReadsCreates,
    *,
    key: str,
    load: LoadPredictor,
    clock: Clock,
    code: str,
) -> BatchResult:
    """Score the file at `landing` key `<model>/score/<name>` with the version that serves.

    Raises Transient while no version serves, so that the file waits; BadInput if the file as a whole cannot be used,
    each time it is asked for: quarantine says so too.
    """
    model, drop, _ = layout.parse_landing(key)
    if drop != "score":
        raise BadInput(f"{key!r} is not to be scored: only files below {model}/score/ are.")
    info = landing.head(key)
    run, source = _run(info), layout.source_id(key, info.version)
    place = _Place(
        output=predictions,
        start=layout.batch_start(model, run),
        success=layout.batch_success(model, run),
        refused=layout.batch_refused(model, run),
        part=lambda number: layout.batch_part(model, run, number),
        rejects=quarantine,
        rejected_part=lambda number: layout.quarantine_part(model, source, number),
        rejected_report=layout.quarantine_report(model, source),
    )
    return _Scoring(landing, info, models, model, place).result(load, clock, code)


def is_settled(landing: Reads, predictions: Reads, key: str) -> bool:
    """Whether the file at `landing` key, as it is now, has been scored or refused."""
    model, _, _ = layout.parse_landing(key)
    run = _run(landing.head(key))
    return any(_exists(predictions, end(model, run)) for end in (layout.batch_success, layout.batch_refused))


def score_file(
    source: Reads,
    key: str,
    output: ReadsCreates,
    prefix: str,
    *,
    models: Reads,
    model: str,
    load: LoadPredictor,
    clock: Clock,
    code: str,
) -> BatchResult:
    """Score any file of any store into any folder, which gets the same objects as a run of `score_batch`.

    Rejected rows are put beside the parts. Raises Transient while no version serves, Refused if the folder has the
    answers of another version or to another file, BadInput if the file as a whole cannot be used.
    """
    folder = f"{prefix.rstrip('/')}/" if prefix else ""
    place = _Place(
        output=output,
        start=f"{folder}start.json",
        success=f"{folder}_SUCCESS",
        refused=f"{folder}_REFUSED",
        part=lambda number: f"{folder}part-{number:05d}.parquet",
        rejects=output,
        rejected_part=lambda number: f"{folder}rejected-{number:05d}.jsonl",
        rejected_report=f"{folder}rejected.json",
    )
    scoring = _Scoring(source, source.head(key), models, model, place)
    scoring.refuse_other_answers(folder)
    return scoring.result(load, clock, code)


@dataclass(frozen=True, slots=True)
class _Scoring:
    """One file, one model, one place for the answers."""

    source: Reads
    info: ObjectInfo
    models: Reads
    model: str
    place: _Place

    def result(self, load: LoadPredictor, clock: Clock, code: str) -> BatchResult:
        """Score, unless that is done."""
        began = time.perf_counter()
        done = _read(self.place.output, self.place.success)
        if done is not None:
            return self._told(Success.decode(done))
        start = self._started(clock)
        loaded = load_version(self.models, self.model, start.version, load)
        try:
            success = self._answered(loaded, start, code)
        except BadInput as error:
            self._refuse(start, str(error))
            raise
        stored = _create_or_read(self.place.output, self.place.success, success.encode())
        return self._told(Success.decode(stored), time.perf_counter() - began)

    def refuse_other_answers(self, folder: str) -> None:
        """Raise Refused if the folder holds another run than the one that is asked for."""
        stored = _read(self.place.output, self.place.start)
        if stored is None:
            return
        start = Start.decode(stored)
        if (start.model, start.version, start.source) != (self.model, self._serving(), self._input()):
            raise Refused(
                f"the output {folder!r} has the answers of version {start.version} of model {start.model} to "
                f"{start.source.key!r}; choose another output."
            )

    def _serving(self) -> str:
        route = current_route(self.models, self.model)
        if route is None:
            raise Transient(f"no version of model {self.model} serves yet; train one, the file waits.")
        return route.champion

    def _started(self, clock: Clock) -> Start:
        """What the first attempt wrote."""
        stored = _read(self.place.output, self.place.start)
        if stored is None:
            start = Start(self.model, self._serving(), clock.now().isoformat(), self._input())
            stored = _create_or_read(self.place.output, self.place.start, start.encode())
        return Start.decode(stored)

    def _answered(self, loaded: LoadedModel, start: Start, code: str) -> Success:
        """Write the parts and the rejected rows; raises BadInput if the file cannot be used."""
        run = _run(self.info)
        parts = Parts(self.place.output, self.place.part, partial(same_rows, manifest=loaded.manifest), PART_BYTES)
        at = datetime.fromisoformat(start.answered_at)
        rejects = Quarantine(self.place.rejects, self.place.rejected_part)
        for batch in checked_batches(self.source, self.info, loaded.manifest.schema, "score"):
            rejects.add(batch.rejected)
            if len(batch.good):
                parts.add(_scored(loaded, batch.good, run, parts, at))
        parts.flush()
        counts = rejects.finish()
        if rejects.count:
            self._report({"rows": parts.rows + rejects.count, **counts})
        return Success(
            model=self.model,
            version=start.version,
            run=run,
            answered_at=start.answered_at,
            source=self._input(),
            rows=parts.rows,
            quarantined=rejects.count,
            parts=tuple(parts.written),
            code=code,
        )

    def _refuse(self, start: Start, reason: str) -> None:
        """Tell that nothing comes of this file, so that no schedule tries it again."""
        self._report({"refused": reason})
        refusal = {"format": FORMAT, "model": self.model, "version": start.version, "source": asdict(self._input())}
        create_once(self.place.output, self.place.refused, canonical_json({**refusal, "reason": reason}))

    def _report(self, found: Mapping[str, Any]) -> None:
        source = asdict(self._input())
        write_report(self.place.rejects, self.place.rejected_report, model=self.model, source=source, found=found)

    def _input(self) -> Input:
        return Input(self.info.key, self.info.version)

    def _told(self, success: Success, seconds: float | None = None) -> BatchResult:
        keys = tuple(map(self.place.part, range(len(success.parts))))
        return BatchResult(
            success.model, success.version, success.run, success.rows, success.quarantined, keys, seconds
        )


def _scored(loaded: LoadedModel, good: pa.RecordBatch, run: str, parts: Parts, at: datetime) -> pa.RecordBatch:
    """The rows with their answers, numbered on from those that are in the part already."""
    outputs = loaded.predictor.predict(to_columns(good, loaded.manifest.schema))
    return scored(good, outputs, loaded.manifest, run=run, part=parts.number, row=parts.held, at=at)


def _run(info: ObjectInfo) -> str:
    """The same file is the same run, whoever serves by then."""
    return content_version({"key": info.key, "version": info.version})


def _read(store: Reads, key: str) -> bytes | None:
    try:
        return store.get(key).data
    except NotFound:
        return None


def _create_or_read(store: ReadsCreates, key: str, data: bytes) -> bytes:
    """Write the object; if another attempt has, what that wrote."""
    try:
        store.create(key, data)
    except AlreadyExists:
        return store.get(key).data
    return data


def _exists(store: Reads, key: str) -> bool:
    try:
        store.head(key)
    except NotFound:
        return False
    return True
