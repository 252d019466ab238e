"""How large the errors of a regression must be, before any truth is known: from where its rows lie.

Direct loss estimation (DLE; NannyML's documentation, "How performance estimation works"): a second model, fitted to the
holdout, tells the error of a row from its features and its prediction. Here it is one small regression tree, so that it
is stored as JSON and asked with numpy. It is honest (Athey and Imbens 2016): one half of the rows chooses the splits,
the other the values of the leaves, so that a leaf's error is not underrated for having been chosen.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..canonical import rounded
from ..columns import Columns
from ..metrics.answers import Floats
from ..prediction import PREDICTION

LEAVES = 32
FEWEST = 25
"""Rows of each half that a leaf has at least."""
CUTS = 32
VALUES = 100
"""Values of a category that are told apart, the most frequent ones."""
GROWN_ON = 50_000
LEAF = -1
LOWEST = float(np.finfo(np.float64).min)


@dataclass(frozen=True, slots=True)
class Losses:
    """Means over the rows of a leaf, in units of the target or its powers; `rows` is how many they are over.

    `over` is of max(0, prediction - truth), `under` of max(0, truth - prediction), `square` and `fourth` of the powers
    of the error.
    """

    rows: int
    over: float
    under: float
    square: float
    fourth: float


@dataclass(frozen=True, slots=True)
class Node:
    """Rows whose encoded `column` is at most `cut` go to node `left`, the others to `right`; a leaf has column -1."""

    column: int = LEAF
    cut: float = 0.0
    left: int = 0
    right: int = 0
    leaf: int = 0


@dataclass(frozen=True, slots=True)
class LossTree:
    """The tree. `columns` are features and the prediction, in the order that nodes count them.

    `codes` maps the values of each category to numbers, and "" to the number of any other value; a missing number lies
    below every other.
    """

    columns: tuple[str, ...]
    codes: Mapping[str, Mapping[str, float]]
    nodes: tuple[Node, ...]
    leaves: tuple[Losses, ...]

    def leaf_of(self, columns: Columns, prediction: NDArray[Any]) -> NDArray[np.intp]:
        """The number of each row's leaf [n]."""
        encoded = np.stack([*_encoded({**columns, PREDICTION: prediction}, self.columns, self.codes)])
        at = np.zeros(len(prediction), np.intp)
        column, left, right, leaf = (
            np.array([getattr(node, name) for node in self.nodes]) for name in ("column", "left", "right", "leaf")
        )
        cuts = np.array([node.cut for node in self.nodes])
        rows = np.arange(len(prediction))
        while (inner := column[at] != LEAF).any():
            here, who = at[inner], rows[inner]
            at[inner] = np.where(encoded[column[here], who] <= cuts[here], left[here], right[here])
        return leaf[at]

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> LossTree:
        """The inverse of `to_json`."""
        return cls(
            columns=tuple(fields["columns"]),
            codes=fields["codes"],
            nodes=tuple(Node(**node) for node in fields["nodes"]),
            leaves=tuple(Losses(**leaf) for leaf in fields["leaves"]),
        )


def grow(columns: Columns, prediction: NDArray[Any], truth: Floats, *, seed: int) -> LossTree:
    """The tree of the errors on n rows, n > 0. Deterministic by `seed`."""
    error = prediction.astype(np.float64) - truth
    first, second = _halves(len(error), seed)
    given = {**columns, PREDICTION: prediction}
    names = (*columns, PREDICTION)
    texts = [name for name in names if given[name].dtype == np.dtype(object)]
    codes = {name: _codes(given[name][first], np.abs(error[first])) for name in texts}
    encoded = np.stack([*_encoded(given, names, codes)])
    growing = _Growing(encoded, np.abs(error), first, second)
    nodes, members = growing.grown()
    return LossTree(names, codes, tuple(nodes), tuple(_losses(error[rows]) for rows in members))


def _halves(rows: int, seed: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Who chooses splits, at most 50,000 rows, and who chooses values; of few rows all choose the value of one leaf."""
    if rows < 4 * FEWEST:
        return np.arange(0), np.arange(rows)
    order = np.random.default_rng(seed).permutation(rows)
    half = min(rows // 2, GROWN_ON)
    return np.sort(order[:half]), np.sort(order[half:])


def _codes(values: NDArray[Any], loss: Floats) -> dict[str, float]:
    """A category's values by their mean loss: cuts between them are then as good as any (Fisher 1958)."""
    mean = float(loss.mean()) if len(loss) else 0.0
    names, place, counts = np.unique(values.astype(str), return_inverse=True, return_counts=True)
    sums = np.bincount(place, loss, len(names))
    frequent = np.argsort(-counts, kind="stable")[:VALUES]
    shrunk = (sums + FEWEST * mean) / (counts + FEWEST)
    return {**{str(names[at]): rounded(shrunk[at]) for at in frequent}, "": rounded(mean)}


def _encoded(
    columns: Mapping[str, NDArray[Any]], names: tuple[str, ...], codes: Mapping[str, Mapping[str, float]]
) -> Iterator[Floats]:
    for name in names:
        values = columns[name]
        if name in codes:
            known = codes[name]
            yield np.array([known.get(value, known[""]) for value in values.tolist()], np.float64)
        else:
            numbers = values.astype(np.float64)
            yield np.where(np.isnan(numbers), LOWEST, numbers)


def _losses(error: Floats) -> Losses:
    means = (np.maximum(error, 0), np.maximum(-error, 0), error**2, error**4)
    return Losses(len(error), *(rounded(values.mean()) for values in means))


@dataclass(slots=True)
class _Growing:
    """Best first: of all splits of all leaves the one is made that lowers the squared error of the loss most."""

    encoded: Floats
    loss: Floats
    first: NDArray[np.intp]
    second: NDArray[np.intp]

    def grown(self) -> tuple[list[Node], list[NDArray[np.intp]]]:
        """The nodes, and of each leaf the rows that choose its value."""
        nodes = [Node()]
        members = {0: (self.first, self.second)}
        splits = {0: self._best(*members[0])}
        while len(members) < LEAVES and (best := max(splits, key=lambda at: splits[at][0])) is not None:
            gain, column, cut = splits.pop(best)
            if gain <= 0:
                break
            halves = [self._parted(rows, column, cut) for rows in members.pop(best)]
            nodes[best] = Node(column, cut, len(nodes), len(nodes) + 1)
            for side in (0, 1):
                members[len(nodes)] = halves[0][side], halves[1][side]
                splits[len(nodes)] = self._best(*members[len(nodes)])
                nodes.append(Node())
        for number, at in enumerate(members):
            nodes[at] = Node(leaf=number)
        return nodes, [second for _, second in members.values()]

    def _parted(self, rows: NDArray[np.intp], column: int, cut: float) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        low = self.encoded[column, rows] <= cut
        return rows[low], rows[~low]

    def _best(self, first: NDArray[np.intp], second: NDArray[np.intp]) -> tuple[float, int, float]:
        """(gain, column, cut) of the best split with enough rows of both halves on either side; gain 0 without one."""
        found = (0.0, LEAF, 0.0)
        if min(len(first), len(second)) < 2 * FEWEST:
            return found
        for column in range(len(self.encoded)):
            gain, cut = self._of_column(self.encoded[column], first, second)
            found = max(found, (gain, column, cut), key=lambda split: split[0])
        return found

    def _of_column(self, values: Floats, first: NDArray[np.intp], second: NDArray[np.intp]) -> tuple[float, float]:
        mine, loss = values[first], self.loss[first]
        cuts = np.unique(np.sort(mine)[np.arange(CUTS) * len(mine) // CUTS])
        place = np.searchsorted(cuts, mine)
        rows = np.cumsum(np.bincount(place, minlength=len(cuts) + 1))[:-1]
        sums = np.cumsum(np.bincount(place, loss, len(cuts) + 1))[:-1]
        others = np.cumsum(np.bincount(np.searchsorted(cuts, values[second]), minlength=len(cuts) + 1))[:-1]
        enough = (np.minimum(rows, len(first) - rows) >= FEWEST) & (np.minimum(others, len(second) - others) >= FEWEST)
        if not enough.any():
            return 0.0, 0.0
        rows, sums, cuts = rows[enough], sums[enough], cuts[enough]
        whole = loss.sum()
        gains = sums**2 / rows + (whole - sums) ** 2 / (len(first) - rows) - whole**2 / len(first)
        best = int(np.argmax(gains))
        return float(gains[best]), float(cuts[best])
