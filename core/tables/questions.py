"""Rows of a file to score -> rows that a model is asked about, and rows with reasons why not: for each batch."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..domain.batch import Options
from ..domain.checks.rows import Rejected
from ..domain.model import ModelManifest
from ..domain.prediction import LABEL, MODEL_VERSION, PROBABILITY_PREFIX, RESERVED
from ..domain.schema import Schema
from ..errors import BadInput
from .arrow import TIME
from .buffers import numbers, texts, to_numpy
from .checked import Checker
from .columns import coded_text, to_features
from .convert import convert
from .raw import RawBatch
from .sources import null_texts
from .window import Question


@dataclass(frozen=True, slots=True)
class Sifted:
    """What became of a batch; `outside` rows are not of the time that was asked for."""

    question: Question
    rejected: list[Rejected]
    outside: int


class Asking:
    """Makes questions of the batches of one source. Threads may share one.

    A run that is `recorded` keeps everything that the model was asked; else a row has its id, its time, and what is to
    be kept.
    """

    def __init__(self, key: str, manifest: ModelManifest, options: Options, *, recorded: bool) -> None:
        self._manifest, self._recorded = manifest, recorded
        self._span = options.span
        self._kept = _of_input(options)
        schema = manifest.schema
        check_options(schema, options)
        if not recorded:  # what is not asked for is not read
            schema = replace(schema, sensitive=(), drop=(*schema.drop, *schema.sensitive))
        self._checker = Checker(key, schema, "score", self._kept, coded=True)
        self._nulls = null_texts(key)

    @property
    def names(self) -> frozenset[str]:
        """The columns that are read."""
        return self._checker.names

    @property
    def coded(self) -> frozenset[str]:
        """Those of them that are text with few values."""
        return frozenset(each.name for each in self._manifest.schema.features if each.type == "category")

    def __call__(self, raw: RawBatch) -> Sifted:
        """Read and check a batch; raises BadInput for a column that is undeclared or not there."""
        inside, outside = self._within(raw)
        checked = self._checker.read(inside)
        good = self._coded(checked.good)
        question = Question(good if self._recorded else self._passed(good), to_features(good, self._manifest.schema))
        return Sifted(question, checked.rejected, outside)

    def _coded(self, good: pa.RecordBatch) -> pa.RecordBatch:
        """With categories of one type, whether their batch came coded or not: batches are joined."""
        columns = dict(zip(good.schema.names, good.columns, strict=True))
        return pa.RecordBatch.from_pydict({**columns, **{name: coded_text(columns[name]) for name in self.coded}})

    def _passed(self, good: pa.RecordBatch) -> pa.RecordBatch:
        schema = self._manifest.schema
        names = dict.fromkeys(name for name in (schema.id, schema.time, *self._kept) if name is not None)
        first = numbers(np.zeros(len(good), np.int32))
        versions = pa.DictionaryArray.from_arrays(first, texts([self._manifest.version]))
        return pa.RecordBatch.from_pydict({**{name: good.column(name) for name in names}, MODEL_VERSION: versions})

    def _within(self, raw: RawBatch) -> tuple[RawBatch, int]:
        """The rows of the time that is asked for, those whose time cannot be read among them, and how many are not."""
        time = self._manifest.schema.time
        if self._span == (None, None):
            return raw, 0
        if time not in raw.batch.schema.names:
            return RawBatch(raw.names, raw.batch.slice(0, 0), raw.rows[:0], raw.broken), len(raw.rows)
        times = convert(raw.batch.column(time), TIME, self._nulls)
        inside = pc.fill_null(self._inside(times.values), False)
        for unreadable, _ in times.wrong:
            inside = pc.or_(inside, unreadable)
        mask = to_numpy(inside)
        kept = RawBatch(raw.names, raw.batch.filter(inside), raw.rows[mask], raw.broken)
        return kept, int(np.count_nonzero(~mask))

    def _inside(self, times: pa.Array) -> pa.Array:
        since, until = self._span
        inside = times.is_valid()
        if since is not None:
            inside = pc.and_(inside, pc.greater_equal(times, pa.scalar(since, TIME)))
        if until is not None:
            inside = pc.and_(inside, pc.less(times, pa.scalar(until, TIME)))
        return inside


def check_options(schema: Schema, options: Options) -> None:
    """Raise BadInput for options that cannot be met by a model of this schema."""
    if options.span != (None, None) and schema.time is None:
        raise BadInput(f"model {schema.model} declares no time column, so there is no time range of its rows.")
    for name in _of_input(options):
        if name in schema.drop:
            raise BadInput(f"column {name!r} cannot be kept: the spec drops it as personal data.")
        if name in RESERVED or name.startswith(PROBABILITY_PREFIX):
            raise BadInput(f"column {name!r} cannot be kept: an answer has a column of that name; rename it.")


def _of_input(options: Options) -> tuple[str, ...]:
    """The columns to pass through; answers can be divided by what is answered, too."""
    divided_by = [name for name in options.partition_by if name not in {LABEL, MODEL_VERSION}]
    return tuple(dict.fromkeys([*options.keep, *divided_by]))
