"""Rows of a landing object, typed and checked by a schema: the good ones as Arrow, the others with their reasons."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ..domain.checks.rows import Reason, Rejected, shorten
from ..domain.prediction import PREDICTION_ID
from ..domain.schema import Schema
from ..errors import BadInput
from ..ports import ObjectInfo, Reads
from .arrow import TEXT, Kind, dataset_schema
from .buffers import mask, to_numpy
from .convert import Converted, canonical_labels, convert
from .formats import format_of
from .raw import Broken, RawBatch
from .row_checks import MISSING, Finding, findings
from .shown import shown
from .sources import null_texts, raw_batches


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
    checker = Checker(info.key, schema, kind)
    for raw in raw_batches(store, info, checker.names):
        yield checker.read(raw)


class Checker:
    """Types and checks the batches of one source. Threads may share one.

    `keep` are columns that are passed through whatever the schema says of them: those that it does not declare come
    with the type that they have in Parquet, and as text from elsewhere. With `coded`, text that came
    dictionary-encoded stays so as far as it can.
    """

    def __init__(
        self, key: str, schema: Schema, kind: Kind, keep: Collection[str] = (), *, coded: bool = False
    ) -> None:
        self.wanted = dataset_schema(schema, kind)
        self._key = key
        self._schema = schema
        self._kind = kind
        self._keep = [name for name in keep if name not in self.wanted.names]
        self._coded = coded
        closed = {feature.name: feature.values or () for feature in schema.features}
        self._nulls = {name: null_texts(key, closed.get(name, ())) for name in self.names}
        self._complete = False

    @property
    def names(self) -> frozenset[str]:
        """The columns that are read."""
        return frozenset([*self.wanted.names, *self._keep])

    def read(self, raw: RawBatch) -> Checked:
        """Check one batch; raises BadInput for a column that is undeclared, or that the first rows do not have."""
        self._check_columns(raw)
        converted = {field.name: self._convert(raw, field) for field in self.wanted}
        converted |= {name: self._kept(raw, name) for name in self._keep}
        batch = pa.RecordBatch.from_pydict({name: column.values for name, column in converted.items()})
        reasons = _reasons([*_unreadable(converted), *findings(batch, self._schema, self._kind)])
        rejected = [self._unread(broken) for broken in raw.broken]
        if not reasons:
            return Checked(batch, raw.rows, rejected)
        bad = np.zeros(len(batch), bool)
        bad[list(reasons)] = True
        rejected += _rejected(raw, bad, reasons)
        rejected.sort(key=lambda row: row.row)
        return Checked(batch.filter(mask(~bad)), raw.rows[~bad], rejected)

    def _check_columns(self, raw: RawBatch) -> None:
        strange = [name for name in raw.names if name not in self._declared()]
        if strange and self._schema.undeclared == "refuse":
            raise BadInput(
                f"{self._key!r} has columns that the spec does not declare: {_listed(strange)}; declare them (as "
                "features, or under `drop:` if they are personal), or say `undeclared: drop`."
            )
        if not self._complete and raw.names:
            missing = [name for name in self._required() if name not in raw.names]
            if missing:
                raise BadInput(f"{self._key!r} has no column {_listed(missing)}, which the spec requires; add it.")
            self._complete = True

    def _declared(self) -> set[str | None]:
        schema = self._schema
        roles = (schema.id, schema.time, schema.target, PREDICTION_ID)
        return {*roles, *schema.feature_names, *schema.sensitive, *schema.drop, *self._keep}

    def _required(self) -> Iterator[str]:
        """Columns that a file must have. Scored rows need no key; labels need one of two."""
        schema = self._schema
        yield from self._keep
        if self._kind != "score":
            yield schema.target
        if self._kind == "labels":
            return
        yield from (feature.name for feature in schema.features if not feature.nullable)
        if self._kind == "rows":
            yield from (name for name in (schema.id, schema.time) if name is not None)

    def _convert(self, raw: RawBatch, field: pa.Field) -> Converted:
        if field.name not in raw.batch.schema.names:
            return Converted(pa.nulls(len(raw.rows), field.type))
        nulls = self._nulls[field.name]
        converted = convert(raw.batch.column(field.name), field.type, nulls, coded=self._coded)
        if field.name == self._schema.target and field.type == TEXT:
            return Converted(canonical_labels(converted.values), converted.wrong)
        return converted

    def _kept(self, raw: RawBatch, name: str) -> Converted:
        if name not in raw.batch.schema.names:
            return Converted(pa.nulls(len(raw.rows), TEXT))
        values = raw.batch.column(name)
        if format_of(self._key) == "parquet":
            return Converted(values)
        return convert(values, TEXT, self._nulls[name])

    def _unread(self, broken: Broken) -> Rejected:
        """The text of a row that could not be taken apart may hold what must not be kept: then it is not."""
        private = self._schema.drop or self._schema.undeclared == "drop"
        values = {} if private else {"(row)": shorten(broken.text)}
        return Rejected(broken.row, (Reason(broken.column, broken.problem),), values)


def _unreadable(converted: Mapping[str, Converted]) -> Iterator[Finding]:
    for name, column in converted.items():
        yield from ((name, problem, marked) for marked, problem in column.wrong)


def _reasons(wrong: Iterable[Finding]) -> dict[int, list[Reason]]:
    """All problems of each row that has one, in the order of rows; what cannot be read is not called missing too."""
    reasons: dict[int, list[Reason]] = {}
    for column, problem, found_wrong in wrong:
        for row in np.flatnonzero(to_numpy(found_wrong)).tolist():
            found = reasons.setdefault(row, [])
            if problem != MISSING or all(reason.column != column for reason in found):
                found.append(Reason(column, problem))
    return dict(sorted(reasons.items()))


def _rejected(raw: RawBatch, bad: NDArray[np.bool_], reasons: Mapping[int, list[Reason]]) -> Iterator[Rejected]:
    names = raw.batch.schema.names
    columns = [shown(column) for column in raw.batch.filter(mask(bad)).columns]
    values = zip(*columns, strict=True) if columns else iter([()] * len(reasons))
    for row, why, found in zip(raw.rows[bad].tolist(), reasons.values(), values, strict=True):
        yield Rejected(row, tuple(why), dict(zip(names, found, strict=True)))


def _listed(names: list[str]) -> str:
    few = ", ".join(repr(name[:80]) for name in names[:5])
    return few if len(names) <= 5 else f"{few} and {len(names) - 5} more"  # noqa: PLR2004 - enough to see
