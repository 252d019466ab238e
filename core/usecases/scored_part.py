"""One part of a batch run as it fills; its record is written last."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

import pyarrow as pa

from ..domain.batch import Done, Output
from ..domain.canonical import sha256
from ..errors import AlreadyExists
from ..ports import ReadsCreates
from ..tables.answer_files import divided, encode_answers
from ..tables.input_parts import InputPart
from ..tables.parts import store_part
from ..tables.predictions import recorded, same_rows
from ..tables.questions import Sifted
from .file_work import FileWork
from .quarantine import Quarantine

Scored = tuple[int, int, Done]
"""The number of a file, that of a part of it, and what became of the part."""


@dataclass
class ScoredPart:
    """One part as it fills."""

    file: FileWork
    input: InputPart
    rows: int = 0
    outside: int = 0
    batches: list[pa.RecordBatch] = field(default_factory=list)

    def __post_init__(self) -> None:
        place, name = self.file.place, self.file.name(self.input.number)
        self.rejects = Quarantine(place.rejects, lambda piece: place.rejected(name, piece))

    def leave_out(self, sifted: Sifted) -> None:
        """Take the rows of the next batch that are not asked about."""
        self.rejects.add(sifted.rejected)
        self.outside += sifted.outside

    def add(self, answered: pa.RecordBatch) -> None:
        """Take the next rows, with their answers."""
        self.batches.append(self._recorded(answered) if self.file.place.recorded else answered)
        self.rows += len(answered)

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
