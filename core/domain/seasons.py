"""How each column was distributed in each season, coarsely: what a window of one season is compared with.

Seasons are hours of the day, days of the week and months of the year, in UTC. Each column has at most BINS bins and one
for nulls; within a bin a season is taken to be like the whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .columns import Columns
from .schema import NULL_CATEGORY
from .sketch import CategoryCounts, Counts, NumberSketch, Summary, names_of
from .sketch.packing import pack, unpack_counts

Cycle: TypeAlias = Literal["day", "week", "year"]
"""Seasons that follow each other: the hours of a day, the days of a week, the months of a year."""

Times = NDArray[np.datetime64]
"""datetime64[us] in UTC, NaT where unknown."""

LENGTHS: Mapping[Cycle, int] = {"day": 24, "week": 7, "year": 12}
PLACES: Mapping[Cycle, slice] = {"day": slice(0, 24), "week": slice(24, 31), "year": slice(31, 43)}
SEASONS = 43
"""Of all cycles together, one behind the other."""
BINS = 32
_SCALE = 65_535
_EPOCH_WEEKDAY = 3  # 1970-01-01 was a Thursday, and weeks begin on Monday


@dataclass(frozen=True, slots=True, eq=False)
class Seasons:
    """`rows` [SEASONS] counts the rows of each season, and `shares` has each column's bins, [SEASONS, BINS + 1].

    Shares are of the rows of the season, in 65,535ths; the last bin is of nulls.
    """

    rows: Counts
    shares: Mapping[str, Counts] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values; `from_json` is the inverse."""
        return {"rows": pack(self.rows), "shares": {name: pack(shares) for name, shares in self.shares.items()}}

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> Seasons:
        """Rebuild seasons; raises KeyError, TypeError or ValueError if they are none."""
        shares = {name: unpack_counts(text).reshape(SEASONS, -1) for name, text in fields["shares"].items()}
        return cls(unpack_counts(fields["rows"]), shares)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Seasons) and self.to_json() == other.to_json()

    __hash__ = None  # type: ignore[assignment]


def seasons_of(columns: Columns, summaries: Mapping[str, Summary], times: Times) -> Seasons:
    """Count [n] rows by the season of their time; a row without a time is in none."""
    places = season_places(times)
    rows = sum(_counted(place, np.zeros(len(place), np.int64), 1) for place in places)
    shares = {name: _shares(columns[name], summary, places) for name, summary in summaries.items()}
    return Seasons(np.asarray(rows).reshape(-1), shares)


def season_places(times: Times) -> list[NDArray[np.int64]]:
    """For each cycle, the place of each row's season among all SEASONS; -1 without a time.

    >>> [places.tolist() for places in season_places(np.array(["2026-05-04T13:20", "NaT"], "M8[us]"))]
    [[13, -1], [24, -1], [35, -1]]
    """
    unknown = np.isnat(times)
    hours = times.astype("M8[h]").astype(np.int64)
    found = hours % 24, (hours // 24 + _EPOCH_WEEKDAY) % 7, times.astype("M8[M]").astype(np.int64) % 12
    starts = (place.start for place in PLACES.values())
    return [np.where(unknown, -1, each + start) for each, start in zip(found, starts, strict=True)]


def season_rows(times: Times) -> Counts:
    """[SEASONS] rows of each season."""
    return np.asarray(sum(np.bincount(place[place >= 0], minlength=SEASONS) for place in season_places(times)))


def edge_bins(sketch: NumberSketch) -> Counts:
    """The bin of each edge of a number; the gap before an edge is in the edge's bin."""
    cuts = np.unique(np.searchsorted(sketch.upto, np.arange(1, BINS) / BINS * sketch.count))
    return np.searchsorted(cuts, np.arange(len(sketch.edges)))


def category_bins(counts: CategoryCounts) -> dict[str, int]:
    """The bin of each of the most frequent categories; all others are in BINS - 1."""
    return {name: place for place, name in enumerate(list(counts.counts)[: BINS - 1])}


def _shares(values: NDArray[Any], summary: Summary, places: list[NDArray[np.int64]]) -> Counts:
    bins = _number_bins(values, summary) if isinstance(summary, NumberSketch) else _category_bins(values, summary)
    counts = np.asarray(sum(_counted(place, bins, BINS + 1) for place in places))
    return np.asarray(np.round(counts / np.maximum(counts.sum(axis=1, keepdims=True), 1) * _SCALE), dtype=np.int64)


def _counted(places: NDArray[np.int64], bins: NDArray[np.int64], width: int) -> Counts:
    known = places >= 0
    codes = places[known] * width + bins[known]
    return np.bincount(codes, minlength=SEASONS * width).reshape(SEASONS, width)


def _number_bins(values: NDArray[Any], sketch: NumberSketch) -> NDArray[np.int64]:
    of_edge = edge_bins(sketch)
    last = np.flatnonzero(np.diff(of_edge, append=BINS))  # the last edge of each bin
    bins = np.minimum(np.searchsorted(sketch.edges[last[:-1]], values, "left"), BINS - 1)
    return np.where(np.isnan(values), BINS, bins)


def _category_bins(values: NDArray[Any], counts: CategoryCounts) -> NDArray[np.int64]:
    bins = {**category_bins(counts), NULL_CATEGORY: BINS}
    return np.fromiter((bins.get(name, BINS - 1) for name in names_of(values)), np.int64, len(values))
