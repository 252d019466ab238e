"""The reference as it would have been, had its rows come in the window's seasons (post-stratification)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..seasons import BINS, PLACES, Cycle, Seasons, category_bins, edge_bins
from ..sketch import CategoryCounts, Counts, NumberSketch, Summary

LEAST_ROWS = 200
"""A season of which the reference has fewer rows is not known."""
NEGLIGIBLE = 0.01
"""A season that the window has a smaller share of its rows in is left out."""

Shares = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Mix:
    """The window's seasons in the reference: `weights` [s] adds up to 1, `rows` [s] has the reference's."""

    cycle: Cycle
    weights: Shares
    rows: Counts

    @property
    def effective(self) -> float:
        """How many rows the reference is worth in this mix: what weights cost (Kish 1965, "Survey Sampling")."""
        used = self.weights > 0
        return float(1 / (self.weights[used] ** 2 / self.rows[used]).sum())


def mix_of(cycle: Cycle | None, seasons: Seasons | None, window: Counts) -> Mix | None:
    """The window's seasons, from its rows of each (`season_rows`); None where the reference does not know them all."""
    if cycle is None or seasons is None:
        return None
    was, now = seasons.rows[PLACES[cycle]], window[PLACES[cycle]]
    kept = np.where(now >= NEGLIGIBLE * now.sum(), now, 0)
    if not kept.any() or (was[kept > 0] < LEAST_ROWS).any():
        return None
    return Mix(cycle, kept / kept.sum(), was)


def adjusted(summaries: Mapping[str, Summary], seasons: Seasons | None, mix: Mix | None) -> Mapping[str, Summary]:
    """Each summary in this mix of seasons; as it is where there is none."""
    if mix is None or seasons is None:
        return summaries
    return {name: _adjusted(found, seasons.shares[name][PLACES[mix.cycle]], mix) for name, found in summaries.items()}


def _adjusted(summary: Summary, shares: Counts, mix: Mix) -> Summary:
    """A category with more values than are kept is compared by a hash, of which no season is known: it stays."""
    if isinstance(summary, CategoryCounts) and summary.buckets:
        return summary
    known = shares / np.maximum(shares.sum(axis=1, keepdims=True), 1)
    was = mix.rows @ known / mix.rows.sum()
    now = mix.weights @ known
    ratios = np.divide(now, was, out=np.zeros_like(was), where=was > 0) * mix.effective / max(summary.rows, 1)
    nulls = round(float(summary.nulls * ratios[BINS]))
    if isinstance(summary, NumberSketch):
        return _number(summary, ratios, nulls)
    return _category(summary, ratios, nulls)


def _number(sketch: NumberSketch, ratios: Shares, nulls: int) -> NumberSketch:
    each = ratios[edge_bins(sketch)]
    both = np.stack((sketch.gaps * each, sketch.ties * each), axis=1)
    gaps, ties = _whole(both.reshape(-1)).reshape(-1, 2).T
    return replace(sketch, rows=int(gaps.sum() + ties.sum()) + nulls, nulls=nulls, gaps=gaps, ties=ties)


def _category(counts: CategoryCounts, ratios: Shares, nulls: int) -> CategoryCounts:
    bins = category_bins(counts)
    each = ratios[[bins.get(name, BINS - 1) for name in counts.counts]]
    scaled = _whole(np.array([*counts.counts.values()]) * each).tolist()
    kept: dict[str, Any] = dict(zip(counts.counts, scaled, strict=True))
    return replace(counts, rows=sum(scaled) + nulls, nulls=nulls, counts=kept)


def _whole(rows: Shares) -> Counts:
    """Whole numbers whose sums up to each place are the nearest to those of `rows`."""
    cumulated = np.concatenate(([0.0], np.cumsum(rows)))
    return np.asarray(np.diff(np.round(cumulated)), dtype=np.int64)
