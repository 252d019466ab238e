"""What a table file holds, before anything is declared: of each column which types fit all of its values, and more."""

from __future__ import annotations

import functools
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as kinds

from ..ports import ObjectInfo, Reads
from .arrow import NUMBER, TEXT, TIME, TYPES
from .convert import Converted, canonical_labels, convert
from .raw import RawBatch
from .repeats import Repeats
from .sources import null_texts, raw_batches

ColumnType = Literal["integer", "number", "boolean", "time", "text"]
CANDIDATES: dict[ColumnType, pa.DataType] = {
    "integer": TYPES["integer"],
    "number": NUMBER,
    "boolean": TYPES["boolean"],
    "time": TIME,
    "text": TEXT,
}

MOST_DISTINCT = 10_000
"""Distinct values of a column that are kept."""

FEW = 100
"""Values that are tried first: to find that many do not fit is slow."""

_DIGITS = r"^\s*[+-]?(0|[1-9][0-9]*)\s*$"
_CODE = r"^\s*[+-]?0[0-9]+\s*$"
_WORDS = pa.array(["true", "false"])


@dataclass(slots=True, eq=False)
class Column:
    """One column of a file. `values` are its rows that are not null, `longest` has how many characters the longest has.

    `fits` are the types that every value has; it is empty for lists and objects. As long as all or nearly all values
    are numbers, `numbers` counts them, `low` and `high` are their ends, and `no_number` is the first of the others.
    """

    name: str
    values: int = 0
    numbers: int = 0
    fits: set[ColumnType] = field(default_factory=lambda: set(CANDIDATES))
    low: float | None = None
    high: float | None = None
    longest: int = 0
    no_number: str | None = None
    _distinct: dict[str, None] = field(default_factory=dict)
    _counted: int = 0
    _repeats: Repeats | None = field(default_factory=Repeats)

    @property
    def distinct(self) -> list[str]:
        """The distinct values as labels are spelled, in the order of their coming, at most MOST_DISTINCT of them."""
        return list(self._distinct)

    @property
    def variety(self) -> float:
        """Distinct values to rows that have one, as far as they were counted; 0 of no rows."""
        return len(self._distinct) / self._counted if self._counted else 0.0

    @property
    def unique(self) -> bool:
        """Whether no value comes twice."""
        return self._repeats is not None and self.values > 0 and not self._repeats.count()

    def add(self, raw: pa.Array, nulls: pa.Array) -> None:
        """Take in some more rows; `nulls` are the texts that say null."""
        self.fits -= {kind for kind in self.fits if pc.any(_wrong(convert(raw[:FEW], CANDIDATES[kind], nulls))).as_py()}
        found = {kind: convert(raw, CANDIDATES[kind], nulls) for kind in self._asked()}
        text = found["text"].values
        self.values += len(text) - pc.sum(pc.and_not(text.is_null(), _wrong(found["text"]))).as_py()
        self.fits -= {kind for kind, column in found.items() if pc.any(_wrong(column)).as_py()}
        self.fits -= _misleading(raw, text, self.fits)
        if "number" in found:
            self._add_numbers(found["number"], text)
        if self._repeats is not None or len(self._distinct) < MOST_DISTINCT:
            self._add_texts(canonical_labels(text.drop_null()))

    @property
    def nearly_number(self) -> bool:
        """Whether nine values in ten or more, but not all, can be read as numbers."""
        return "number" not in self.fits and self.numbers * 10 >= self.values * 9

    def _asked(self) -> set[ColumnType]:
        """Types to look for: those that fit so far, text, and number as long as it nearly fits."""
        asked: set[ColumnType] = {"text", "number"} if self.nearly_number else {"text"}
        return self.fits | asked

    def _add_numbers(self, found: Converted, text: pa.Array) -> None:
        self.numbers += len(found.values) - found.values.null_count
        ends = [end for end in (self.low, self.high, *pc.min_max(found.values).as_py().values()) if end is not None]
        self.low, self.high = min(ends, default=None), max(ends, default=None)
        others = text.filter(pc.and_(text.is_valid(), found.values.is_null()))
        if len(others) and self.no_number is None:
            self.no_number = others[0].as_py()

    def _add_texts(self, texts: pa.Array) -> None:
        self.longest = max(self.longest, pc.max(pc.utf8_length(texts)).as_py() or 0)
        distinct = texts.unique()
        if len(self._distinct) < MOST_DISTINCT:
            self._distinct.update(dict.fromkeys(distinct.to_pylist()))
            self._counted += len(texts)
        if self._repeats is not None and len(distinct) == len(texts):
            self._repeats.add(texts)
        else:
            self._repeats = None


@dataclass(slots=True)
class Survey:
    """A file: its columns in order, its rows, and how many of them could not be taken apart."""

    rows: int = 0
    broken: int = 0
    columns: dict[str, Column] = field(default_factory=dict)


def survey(source: Reads, info: ObjectInfo) -> Survey:
    """Look at every row of a table file, in bounded memory; raises BadInput when it cannot be used.

    A column of lists or objects hides the other values of its rows from the reader, so it is looked past.
    """
    nested: list[str] = []
    while True:
        found, hiding = _pass(source, info, nested)
        if not hiding:
            return found
        nested += hiding


def _pass(source: Reads, info: ObjectInfo, nested: Collection[str]) -> tuple[Survey, set[str]]:
    """One reading without the columns that are `nested`; and more of those, if they were met."""
    found = Survey(columns={name: Column(name, fits=set()) for name in nested})
    nulls = null_texts(info.key)
    hiding: set[str] = set()
    for raw in raw_batches(source, info, _AllBut(nested)):
        found.rows += len(raw.rows) + len(raw.broken)
        found.broken += len(raw.broken)
        hiding |= {row.column for row in raw.broken if row.column is not None}
        _add(found, raw, nulls)
    return found, hiding


def _add(found: Survey, raw: RawBatch, nulls: pa.Array) -> None:
    for name in raw.names:
        column = found.columns.setdefault(name, Column(name))
        if name in raw.batch.schema.names:
            column.add(raw.batch.column(name), nulls)


@dataclass(frozen=True, slots=True)
class _AllBut:
    """Every column but some, as the readers ask for what is wanted."""

    names: Collection[str]

    def __contains__(self, name: object) -> bool:
        return name not in self.names


def _wrong(column: Converted) -> pa.Array:
    """Mask of the values that do not have the type."""
    masks = [mask for mask, _ in column.wrong]
    return functools.reduce(pc.or_, masks, pa.repeat(False, len(column.values)))


def _misleading(raw: pa.Array, text: pa.Array, fits: Collection[ColumnType]) -> set[ColumnType]:
    """Types that could be read out of the values and are not meant.

    Only true and false in words are truth values, 1.0 is no integer, and 007 is a code.
    """
    misleading: set[ColumnType] = set()
    words = pc.is_in(pc.ascii_lower(text.drop_null()), value_set=_WORDS)
    if "boolean" in fits and pc.all(words).as_py() is False:
        misleading.add("boolean")
    if "integer" in fits and not kinds.is_integer(raw.type) and not _all_match(text, _DIGITS):
        misleading.add("integer")
    if "number" in fits and _any_match(text, _CODE):
        misleading |= {"integer", "number"}
    return misleading


def _all_match(text: pa.Array, pattern: str) -> bool:
    return pc.all(pc.match_substring_regex(text, pattern)).as_py() is not False


def _any_match(text: pa.Array, pattern: str) -> bool:
    return pc.any(pc.match_substring_regex(text, pattern)).as_py() is True
