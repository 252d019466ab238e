"""A column's distribution in a few kilobytes: numbers by their quantiles, categories by their counts.

Both keep exact counts of what they keep. What a number leaves out is where values lie between two neighbouring edges:
at most one row in 798, see `NumberSketch.resolution`. Sketches of parts add up to one of the whole, see `merged`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

from numpy.typing import NDArray

from ..schema import FeatureType
from .categories import (
    BUCKETS,
    CATEGORIES,
    CategoryCounts,
    bucketed,
    counted,
    merged_categories,
    most_frequent_first,
    names_of,
)
from .merging import merged_numbers
from .numbers import EDGES, Counts, Floats, NumberSketch, gap_sums, located, ordered_values

__all__ = [
    "BUCKETS",
    "CATEGORIES",
    "EDGES",
    "CategoryCounts",
    "Counts",
    "Floats",
    "NumberSketch",
    "Summary",
    "bucketed",
    "counted",
    "gap_sums",
    "located",
    "merged",
    "most_frequent_first",
    "names_of",
    "ordered_values",
    "summarise",
]

Summary: TypeAlias = NumberSketch | CategoryCounts


def summarise(values: NDArray[Any], kind: FeatureType) -> Summary:
    """The summary of one column, [n] as `columns.Columns` has it."""
    return CategoryCounts.of(values) if kind in {"category", "boolean"} else NumberSketch.of(values)


def merged(parts: Sequence[Summary]) -> Summary:
    """One summary of all rows of the parts, which are of one column; `error` says how far its counts may be off."""
    numbers = [part for part in parts if isinstance(part, NumberSketch)]
    if numbers:
        return merged_numbers(numbers)
    return merged_categories([part for part in parts if isinstance(part, CategoryCounts)])
