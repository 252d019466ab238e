"""A category by its counts."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..schema import NULL_CATEGORY
from .numbers import Counts

CATEGORIES = 1000
CATEGORY_BYTES = 16_384
"""How many categories are kept by name, and how many bytes all their names may have; the others are `other`."""
BUCKETS = 32


@dataclass(frozen=True, slots=True)
class CategoryCounts:
    """A category, a boolean (as "true" and "false") or a label.

    `counts` has the most frequent categories, and `other` the rows of all the rest. `buckets`, empty unless there is a
    rest, counts the rows by a hash of their category: comparing those needs no choice of categories, and a choice by
    the counts themselves would look like drift. A category of `counts` may have up to `error` rows more, which are
    among the `other`: 0 unless the counts were merged from parts.
    """

    rows: int
    nulls: int
    counts: Mapping[str, int] = field(hash=False)
    other: int = 0
    buckets: tuple[int, ...] = ()
    error: int = 0

    @property
    def count(self) -> int:
        """Rows that are not null."""
        return self.rows - self.nulls

    @property
    def null_share(self) -> float:
        """Share of the rows that are null; 0 of no rows."""
        return self.nulls / self.rows if self.rows else 0.0

    @classmethod
    def of(cls, values: NDArray[Any]) -> CategoryCounts:
        """Summarise [n] strings with `NULL_CATEGORY` for null, or [n] booleans as 1, 0 and NaN.

        >>> counts = CategoryCounts.of(np.array(["a", "b", "a", NULL_CATEGORY], dtype=object))
        >>> dict(counts.counts), counts.nulls
        ({'a': 2, 'b': 1}, 1)
        """
        nulls, seen = counted(values)
        kept = dict(_most_frequent(seen))
        rest = len(kept) < len(seen)
        other = seen.total() - sum(kept.values())
        return cls(len(values), nulls, kept, other, tuple(bucketed(seen).tolist()) if rest else ())

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values; `from_json` is the inverse."""
        return asdict(self)

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> CategoryCounts:
        """Rebuild counts; raises KeyError, TypeError or AttributeError if they are none."""
        counts = dict(most_frequent_first(fields["counts"]))
        return cls(**{**fields, "counts": counts, "buckets": tuple(fields["buckets"])})


def merged_categories(parts: Sequence[CategoryCounts]) -> CategoryCounts:
    """One of all rows of the parts, of which there is at least one.

    A part that keeps not all of its categories may have left one out that another part keeps: of that one the part had
    at most as many rows as of its rarest category that it kept, so the merged count may be too small by so many.
    """
    counts: Counter[str] = sum((Counter(part.counts) for part in parts), Counter())
    kept = dict(_most_frequent(counts))
    rest = len(kept) < len(counts) or any(part.buckets for part in parts)
    known = sum(kept.values())
    rows, nulls = sum(part.rows for part in parts), sum(part.nulls for part in parts)
    buckets = sum(np.array(part.buckets or bucketed(part.counts)) for part in parts)
    error = sum(part.error + (_fewest(part) if part.buckets else 0) for part in parts)
    return CategoryCounts(
        rows, nulls, kept, rows - nulls - known, tuple(np.asarray(buckets).tolist()) if rest else (), error
    )


def counted(values: NDArray[Any]) -> tuple[int, Counter[str]]:
    """How many rows are null, and how many each category has."""
    if values.dtype != object:
        return _booleans(values)
    counts = Counter(values.tolist())
    return counts.pop(NULL_CATEGORY, 0), counts


def names_of(values: NDArray[Any]) -> list[str]:
    """The category of each of [n] rows, NULL_CATEGORY for null; of booleans "true" and "false"."""
    if values.dtype == object:
        return list(values.tolist())
    named = np.array(["false", "true", NULL_CATEGORY], dtype=object)
    return list(named[np.nan_to_num(values, nan=2).astype(np.int64)])


def bucketed(counts: Mapping[str, int]) -> Counts:
    """[BUCKETS] rows by the CRC-32 of their category's UTF-8, the same everywhere."""
    buckets = np.zeros(BUCKETS, dtype=np.int64)
    for category, rows in counts.items():
        buckets[zlib.crc32(category.encode()) % BUCKETS] += rows
    return buckets


def most_frequent_first(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    """Categories with their rows in a stable order: by rows, then by name."""
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def _fewest(part: CategoryCounts) -> int:
    """How many rows a category that was left out may have: the most frequent ones are kept."""
    return min([part.other, *part.counts.values()])


def _booleans(values: NDArray[Any]) -> tuple[int, Counter[str]]:
    nulls = int(np.isnan(values).sum())
    true = int((values == 1).sum())
    counts = {"true": true, "false": len(values) - nulls - true}
    return nulls, Counter({name: rows for name, rows in counts.items() if rows})


def _most_frequent(counts: Counter[str]) -> Iterable[tuple[str, int]]:
    size = 0
    for category, rows in most_frequent_first(counts)[:CATEGORIES]:
        size += len(category.encode())
        if size > CATEGORY_BYTES:
            return
        yield category, rows
