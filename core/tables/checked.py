"""Rows of a landing object, typed and checked by a schema: the good ones as Arrow, the others with their reasons."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ..domain.checks.rows import Reason, Rejected, shorten
from ..domain.prediction import PREDICTION_ID
from ..domain.schema import Schema
from ..errors import BadInput
from ..ports import ObjectInfo, Reads
from .arrow import TEXT, Kind, dataset_schema
from .convert import Converted, canonical_labels, convert
from .formats import format_of
from .parse import NULL_SPELLINGS
from .raw import Broken, RawBatch, some_rows
from .read_csv import csv_batches
from .read_jsonl import jsonl_batches
from .read_parquet import parquet_batches
from .row_checks import Finding, findings


@dataclass(frozen=True, slots=True)
class Checked:
    """Some consecutive rows of a source. `good` has the columns of `dataset_schema`.

    `rows` [len(good)] are the places of the good rows in the source, counted from 1; together with those of
    `rejected` they are every row of the batch.
    """

    good: pa.RecordBatch
    rows: NDArray[np.int64]
    rejected: list[Rejected]


def checked_batches(store: Reads, info: ObjectInfo, schema: Schema, kind: Kind) -> Iterator[Checked]:
    """Stream the object `info` in bounded memory; the batches depend on its bytes and the schema alone.

    Raises BadInput when the file as a whole cannot be used, VersionMismatch if it is replaced meanwhile.
    """
    reader = _Reader(info.key, schema, kind)
    for raw in some_rows(_raw_batches(store, info, set(reader.wanted.names)), info.key):
        yield reader.read(raw)


def _raw_batches(store: Reads, info: ObjectInfo, wanted: set[str]) -> Iterator[RawBatch]:
    found = format_of(info.key)
    if found == "parquet":
        return parquet_batches(store, info, wanted)
    batches = csv_batches if found.startswith("csv") else jsonl_batches
    return batches(store, info, wanted, compressed=found.endswith(".gz"))


class _Reader:
    """Types and checks the batches of one source."""

    def __init__(self, key: str, schema: Schema, kind: Kind) -> None:
        self.wanted = dataset_schema(schema, kind)
        self._key = key
        self._schema = schema
        self._kind = kind
        self._spellings = NULL_SPELLINGS if format_of(key).startswith("csv") else ("",)
        self._values = {feature.name: feature.values or () for feature in schema.features}
        self._complete = False

    def read(self, raw: RawBatch) -> Checked:
        """Check one batch; raises BadInput for a column that is undeclared, or that the first rows do not have."""
        self._check_columns(raw)
        converted = {field.name: self._convert(raw, field) for field in self.wanted}
        batch = pa.RecordBatch.from_arrays([converted[name].values for name in self.wanted.names], schema=self.wanted)
        wrong = [*_unreadable(converted), *findings(batch, self._schema, self._kind)]
        bad, reasons = _reasons(wrong, batch.num_rows)
        good = batch.filter(pc.invert(bad)) if reasons else batch
        rejected = [self._rejected(raw, index, reasons[index]) for index in sorted(reasons)]
        rejected += [self._unread(broken) for broken in raw.broken]
        rows = raw.rows if not reasons else raw.rows[~bad.to_numpy(zero_copy_only=False)]
        return Checked(good, rows, sorted(rejected, key=lambda row: row.row))

    def _check_columns(self, raw: RawBatch) -> None:
        schema = self._schema
        declared = {*self.wanted.names, *schema.drop, schema.target, *schema.feature_names, *schema.sensitive}
        declared |= {name for name in (schema.id, schema.time, PREDICTION_ID) if name is not None}
        strange = [name for name in raw.names if name not in declared]
        if strange and schema.undeclared == "refuse":
            raise BadInput(
                f"{self._key!r} has columns that the spec does not declare: {_listed(strange)}; declare them (as "
                "features, or under `drop:` if they are personal), or say `undeclared: drop`."
            )
        if not self._complete and raw.names:
            missing = [name for name in self._required() if name not in raw.names]
            if missing:
                raise BadInput(f"{self._key!r} has no column {_listed(missing)}, which the spec requires; add it.")
            self._complete = True

    def _required(self) -> Iterator[str]:
        """Columns that a file must have. Scored rows need no key; labels need one of two."""
        schema = self._schema
        if self._kind != "score":
            yield schema.target
        if self._kind == "labels":
            return
        yield from (feature.name for feature in schema.features if not feature.nullable)
        if self._kind == "rows":
            yield from (name for name in (schema.id, schema.time) if name is not None)

    def _convert(self, raw: RawBatch, field: pa.Field) -> Converted:
        if field.name not in raw.batch.schema.names:
            return Converted(pa.nulls(raw.batch.num_rows, field.type))
        kept = self._values.get(field.name, ())
        nulls = pa.array([text for text in self._spellings if text not in kept], TEXT)
        converted = convert(raw.batch.column(field.name), field.type, nulls)
        if field.name == self._schema.target and field.type == TEXT:
            return Converted(canonical_labels(converted.values), converted.wrong)
        return converted

    def _rejected(self, raw: RawBatch, index: int, reasons: list[Reason]) -> Rejected:
        values = {name: _shown(raw.batch.column(name)[index].as_py()) for name in raw.batch.schema.names}
        return Rejected(int(raw.rows[index]), tuple(reasons), values)

    def _unread(self, broken: Broken) -> Rejected:
        """The text of a row that could not be taken apart may hold what the schema drops: then it is not kept."""
        values: Mapping[str, Any] = {} if self._schema.drop else {"(row)": shorten(broken.text)}
        return Rejected(broken.row, (Reason(broken.column, broken.problem),), values)


def _unreadable(converted: Mapping[str, Converted]) -> Iterator[Finding]:
    for name, column in converted.items():
        yield from ((name, problem, mask) for mask, problem in column.wrong)


def _reasons(wrong: list[Finding], rows: int) -> tuple[pa.Array, dict[int, list[Reason]]]:
    """The rows [n] that have a problem, and all of their problems; what cannot be read is not called missing too."""
    bad = np.zeros(rows, bool)
    reasons: dict[int, list[Reason]] = defaultdict(list)
    for column, problem, mask in wrong:
        hits = np.flatnonzero(mask.to_numpy(zero_copy_only=False))
        bad[hits] = True
        for index in hits.tolist():
            if column not in {reason.column for reason in reasons[index]}:
                reasons[index].append(Reason(column, problem))
    return pa.array(bad), reasons


def _shown(value: Any) -> Any:  # noqa: ANN401 - whatever the source holds, as JSON
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    return shorten(value if isinstance(value, str) else str(value))


def _listed(names: list[str]) -> str:
    shown = ", ".join(repr(name[:80]) for name in names[:5])
    return shown if len(names) <= 5 else f"{shown} and {len(names) - 5} more"  # noqa: PLR2004 - enough to see
