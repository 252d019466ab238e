"""How numbers go together: Pearson's correlation of every pair, in a few kilobytes, and of parts together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .columns import Columns
from .sketch import NumberSketch, Summary
from .sketch.packing import pack, unpack_floats

AT_ONCE = 65_536
DIGITS = 6
"""Decimals that are kept: the last ones of a float64 sum depend on the processor."""

Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Correlations:
    """`matrix` [k, k] of the k numbers `names`. A null counts as its column's mean; a constant goes with nothing."""

    names: tuple[str, ...]
    matrix: Matrix

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values, one half of the matrix; `from_json` is the inverse."""
        return {"names": list(self.names), "pairs": pack(self.matrix[_pairs(self.names)].astype(np.float32))}

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> Correlations:
        """Rebuild correlations; raises KeyError, TypeError or ValueError if they are none."""
        names = tuple(fields["names"])
        half = np.zeros((len(names), len(names)))
        half[_pairs(names)] = np.round(unpack_floats(fields["pairs"]).astype(np.float64), DIGITS)
        return cls(names, half + half.T + np.eye(len(names)))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Correlations) and self.to_json() == other.to_json()

    __hash__ = None  # type: ignore[assignment]


def correlations_of(columns: Columns, summaries: Mapping[str, Summary]) -> Correlations:
    """Of all numbers among the columns, each [n]."""
    numbers = {name: found for name, found in summaries.items() if isinstance(found, NumberSketch)}
    products = np.zeros((len(numbers), len(numbers)))
    rows = max((found.rows for found in numbers.values()), default=0)
    for start in range(0, rows, AT_ONCE):
        part = slice(start, start + AT_ONCE)
        scores = np.array([_scores(columns[name][part], found) for name, found in numbers.items()])
        products += scores @ scores.T
    return Correlations(tuple(numbers), _normalised(products))


def merged_correlations(parts: Sequence[Correlations], summaries: Sequence[Mapping[str, Summary]]) -> Correlations:
    """Of all rows of the parts, whose columns `summaries` describe.

    Exactly where no value is null, else as if nulls came independently of each other.
    """
    names = parts[0].names
    means, deviations, counts = (_each(summaries, names, field) for field in ("mean", "deviation", "count"))
    rows = np.array([found[names[0]].rows for found in summaries]) if names else np.zeros(0)
    mean = (counts * means).sum(axis=0) / np.maximum(counts.sum(axis=0), 1)
    products = np.zeros((len(names), len(names)))
    for at, part in enumerate(parts):
        both = np.outer(counts[at], counts[at]) / max(rows[at], 1)
        np.fill_diagonal(both, counts[at])
        within = part.matrix * np.outer(deviations[at], deviations[at])
        products += both * (within + np.outer(means[at] - mean, means[at] - mean))
    return Correlations(names, _normalised(products))


def _each(summaries: Sequence[Mapping[str, Summary]], names: tuple[str, ...], field: str) -> Matrix:
    """[parts, k] of one field of each number's sketch."""
    found = [[getattr(each[name], field) for name in names] for each in summaries]
    return np.array(found, dtype=np.float64).reshape(len(summaries), len(names))


def _scores(values: NDArray[Any], sketch: NumberSketch) -> Matrix:
    largest = np.finfo(np.float32).max
    finite = np.clip(values, -largest, largest).astype(np.float64)
    return np.asarray(np.nan_to_num((finite - sketch.mean) / (sketch.deviation or 1.0), nan=0.0))


def _normalised(products: Matrix) -> Matrix:
    """Correlations from sums of products of what deviates."""
    lengths = np.sqrt(np.diag(products))
    scale = np.outer(lengths, lengths)
    matrix = np.divide(products, scale, out=np.zeros_like(products), where=scale > 0)
    np.fill_diagonal(matrix, 1.0)
    return np.asarray(np.clip(np.round(matrix, DIGITS), -1, 1) + 0.0)  # no negative zeros


def _pairs(names: tuple[str, ...]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    return np.triu_indices(len(names), 1)
