"""How the features that matter go together: how badly a row is reconstructed from what usually goes together.

Each value becomes its rank among the values learned from, so neither units nor outliers count. Of the ranks the
principal components are taken, and a row's error is the sum of its squared components, each divided by how much the
component varies: what usually hardly varies weighs most, since that is where a broken bond shows (Mahalanobis 1936;
the reconstruction error of a PCA is the same sum cut off at some component). The errors of rows that the components
were not made from are the reference.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .columns import Columns
from .schema import NULL_CATEGORY
from .seasons import Seasons, Times, seasons_of
from .sketch import CategoryCounts, NumberSketch, Summary, names_of
from .sketch.packing import pack, unpack_floats

ROWS = 4_096
"""How many rows, evenly spaced, are looked at: of those learned from twice as many, of a window's part as many."""
MOST = 50
"""How many features are looked at together, the most important ones."""
ENOUGH = 0.95
"""The share of the importance that they have together."""
LEAST_ROWS = 400
MOST_ONCE = 0.005
"""A category of which more of the rows were the only ones of their kind is left out."""
SHRINKAGE = 0.02
"""How much of the correlations is taken for noise: a component varies by no less than this."""
DIGITS = 3
NAME = "joint"
"""What the error is called among the columns of its seasons."""

Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Joint:
    """`weights` [k, k] of the k features `names`: the error of ranks z is z' weights z. `errors` is its reference."""

    names: tuple[str, ...]
    weights: NDArray[np.float32]
    errors: NumberSketch
    seasons: Seasons | None = None

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values; `from_json` is the inverse."""
        return {
            "names": list(self.names),
            "weights": pack(self.weights.reshape(-1)),
            "errors": self.errors.to_json(),
            "seasons": None if self.seasons is None else self.seasons.to_json(),
        }

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> Joint:
        """Rebuild it; raises KeyError, TypeError or ValueError if it is none."""
        names, seasons = tuple(fields["names"]), fields["seasons"]
        weights = unpack_floats(fields["weights"]).reshape(len(names), len(names))
        kept = None if seasons is None else Seasons.from_json(seasons)
        return cls(names, weights, NumberSketch.from_json(fields["errors"]), kept)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Joint) and self.to_json() == other.to_json()

    __hash__ = None  # type: ignore[assignment]

    def of(self, columns: Columns, summaries: Mapping[str, Summary]) -> NDArray[np.float32]:
        """The error of each of at most ROWS rows, evenly spaced among the [n] of `columns`."""
        chosen = evenly(len(columns[self.names[0]]), ROWS)
        return _errors(_ranks(columns, summaries, self.names, chosen), self.weights)


def joint_of(
    columns: Columns, summaries: Mapping[str, Summary], importance: Mapping[str, float], times: Times | None
) -> Joint | None:
    """Learn it from [n] rows; None where there are fewer than two features that matter, or too few rows."""
    names = _mattering(summaries, importance)
    rows = len(columns[names[0]]) if names else 0
    if rows < LEAST_ROWS:
        return None
    chosen = evenly(rows, 2 * ROWS)
    ranks = _ranks(columns, summaries, names, chosen)
    varies = ranks[:, ::2].std(axis=1) > 0
    names = tuple(name for name, does in zip(names, varies, strict=True) if does)
    if len(names) < 2:  # noqa: PLR2004 - a bond is between two
        return None
    weights = _weights(ranks[varies][:, ::2])
    errors = _errors(ranks[varies][:, 1::2], weights)
    summary = NumberSketch.of(errors)
    dated = None if times is None else seasons_of({NAME: errors}, {NAME: summary}, times[chosen[1::2]])
    return Joint(names, weights, summary, dated)


def evenly(rows: int, most: int) -> NDArray[np.int64]:
    """At most `most` of the row numbers, evenly spaced."""
    return np.linspace(0, rows - 1, min(rows, most)).astype(np.int64)


def _mattering(summaries: Mapping[str, Summary], importance: Mapping[str, float]) -> tuple[str, ...]:
    """The most important features, in their own order; the first ones where nothing is known of their importance."""
    usable = [name for name, summary in summaries.items() if _ranked(summary)]
    ranked = sorted(usable, key=lambda name: -importance.get(name, 0.0))
    shares = np.array([importance.get(name, 0.0) for name in ranked])
    enough = len(ranked) if not shares.any() else int(np.searchsorted(np.cumsum(shares) / shares.sum(), ENOUGH)) + 1
    kept = set(ranked[: min(enough, MOST)])
    return tuple(name for name in summaries if name in kept)


def _ranked(summary: Summary) -> bool:
    """Whether its ranks mean the same to rows not learned from: not where many categories are still to be seen."""
    if isinstance(summary, NumberSketch):
        return True
    once = sum(1 for rows in summary.counts.values() if rows == 1)
    return not summary.buckets and once <= MOST_ONCE * summary.count


def _ranks(
    columns: Columns, summaries: Mapping[str, Summary], names: tuple[str, ...], rows: NDArray[np.int64]
) -> Matrix:
    """[k, n] ranks from -0.5 to 0.5; 0 for null."""
    return np.array([_rank(columns[name][rows], summaries[name]) for name in names]).reshape(len(names), len(rows))


def _rank(values: NDArray[Any], summary: Summary) -> Matrix:
    if not summary.count:
        return np.zeros(len(values))
    if isinstance(summary, CategoryCounts):
        return _category_rank(values, summary)
    middle = (summary.below + summary.upto) / (2 * summary.count)
    return np.asarray(np.nan_to_num(np.interp(values, summary.edges, middle) - 0.5))


def _category_rank(values: NDArray[Any], summary: CategoryCounts) -> Matrix:
    """Categories by how frequent they were, the most frequent first; those that are not known come last."""
    shares = np.array([*summary.counts.values(), summary.other]) / summary.count
    *middle, last = (np.cumsum(shares) - shares / 2 - 0.5).tolist()
    known = defaultdict(lambda: last, {**dict(zip(summary.counts, middle, strict=True)), NULL_CATEGORY: 0.0})
    return np.fromiter(map(known.__getitem__, names_of(values)), np.float64, len(values))


def _weights(ranks: Matrix) -> NDArray[np.float32]:
    """The inverse of the covariance of [k, n] ranks, of which a little is taken for noise."""
    deviations = ranks.std(axis=1)
    correlations = np.corrcoef(ranks)
    shrunk = (1 - SHRINKAGE) * correlations + SHRINKAGE * np.eye(len(ranks))
    return np.asarray(np.linalg.inv(shrunk) / np.outer(deviations, deviations), dtype=np.float32)


def _errors(ranks: Matrix, weights: NDArray[np.float32]) -> NDArray[np.float32]:
    errors = ((weights.astype(np.float64) @ ranks) * ranks).sum(axis=0)
    return np.asarray(np.round(errors, DIGITS), dtype=np.float32)
