"""The trees of a node TreeEnsembleClassifier or TreeEnsembleRegressor, and two ways to have less of them.

https://onnx.ai/onnx/operators/onnx_aionnxml_TreeEnsembleClassifier.html
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
import onnx
from numpy.typing import NDArray

LEAVES = {"TreeEnsembleClassifier": "class", "TreeEnsembleRegressor": "target"}
"""Operators that hold trees, and what the attributes of their leaves are called."""

NEUTRAL = {"nodes_hitrates": 1.0, "nodes_missing_value_tracks_true": 0}
"""Attributes that say nothing where they have this value throughout."""

_LEAF = b"LEAF"
_OF_LEAF = {"nodes_modes": _LEAF, "nodes_values": 0.0, "nodes_featureids": 0}
_OF_LEAF |= {"nodes_truenodeids": 0, "nodes_falsenodeids": 0}

Rows: TypeAlias = NDArray[np.intp]
Flags: TypeAlias = NDArray[np.bool_]
Ids: TypeAlias = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Splits:
    """The nodes of all trees, as rows [n] in the order of the attributes.

    `children` [n, 2] are the rows of a split's two children, -1 for a leaf. `spread` [n] is how far the leaves below a
    node differ at most in any output, 0 for a leaf; `means` [n, outputs] is their mean weight, and `told` [n, outputs]
    whether any of them has a weight for the output.
    """

    children: NDArray[np.intp]
    spread: NDArray[np.float64]
    means: NDArray[np.float64]
    told: Flags

    @property
    def is_leaf(self) -> Flags:
        """Which nodes are leaves."""
        return self.children[:, 0] < 0

    def ends(self, share: float) -> Flags:
        """The leaves, and the splits that go for a `share` of all of them to stay: those of the least spread."""
        spreads = np.sort(self.spread[~self.is_leaf])
        going = len(spreads) - math.ceil(share * len(spreads))
        return self.is_leaf | (self.spread <= spreads[going - 1]) if going else self.is_leaf

    def reached(self, ends: Flags) -> Flags:
        """The nodes that can be come to from the roots, no further than to those where it `ends`."""
        reached = np.ones(len(self.children), bool)
        reached[self.children[~self.is_leaf]] = False
        frontier = np.flatnonzero(reached)
        while len(frontier):
            frontier = self.children[frontier[~ends[frontier]]].ravel()
            reached[frontier] = True
        return reached


class Places:
    """Where the node of each number of each tree is: its row."""

    def __init__(self, trees: Ids, numbers: Ids) -> None:
        self._width = int(numbers.max()) + 1
        keys = trees * self._width + numbers
        self._order = np.argsort(keys)
        self._keys = keys[self._order]

    def of(self, trees: Ids, numbers: Ids) -> Rows:
        """The rows of these nodes [n]."""
        found: Rows = self._order[np.searchsorted(self._keys, trees * self._width + numbers)]
        return found


class Ensemble:
    """One node of trees, which is changed in its place. Its attributes are lists, an element a node, or a weight."""

    def __init__(self, node: onnx.NodeProto) -> None:
        self._node = node
        self._fields = {attribute.name: attribute for attribute in node.attribute}
        self._leaves = LEAVES[node.op_type]

    def runs(self) -> list[Ids]:
        """The numbers of the trees in order, apart for each output where each tree is of one output alone."""
        trees, outputs = self._ids(f"{self._leaves}_treeids"), self._ids(f"{self._leaves}_ids")
        pairs = np.unique(np.stack([outputs, trees]), axis=1)
        every = np.unique(trees)
        if pairs.shape[1] > len(every):
            return [every]
        return [pairs[1][pairs[0] == output] for output in np.unique(outputs)]

    def drop(self, share: float) -> None:
        """Keep the first trees of each run, a `share` of them and one at least.

        Each iteration of boosting mends what is left by those before, so that the last ones matter least. The trees of
        a forest are alike: any part of them votes as all do, and their votes are counted for more.
        """
        runs = self.runs()
        kept = _first(runs, share)
        scale = 1.0 if self._adds_up() else sum(map(len, runs)) / len(kept)
        for prefix in ("nodes", self._leaves):
            self._filter(f"{prefix}_", np.isin(self._ids(f"{prefix}_treeids"), kept))
        weights = self._fields[f"{self._leaves}_weights"].floats
        weights[:] = (np.array(weights) * scale).astype(np.float32).tolist()
        self._leave_out_what_says_nothing()

    def merge(self, share: float) -> None:
        """Keep a `share` of the splits: those whose leaves differ most. A split that goes is a leaf of their mean."""
        splits = self._splits
        ends = splits.ends(share)
        alive = splits.reached(ends)
        self._end(splits, alive & ends)
        self._filter("nodes_", alive)
        self._leave_out_what_says_nothing()

    def kept_by_drop(self, share: float) -> int:
        """How many nodes `drop` would keep."""
        return int(np.isin(self._ids("nodes_treeids"), _first(self.runs(), share)).sum())

    def kept_by_merge(self, share: float) -> int:
        """How many nodes `merge` would keep."""
        return int(self._splits.reached(self._splits.ends(share)).sum())

    def _adds_up(self) -> bool:
        """Whether a tree that is left out takes its part away with it: in boosting, and where the node averages."""
        averaging = "aggregate_function" in self._fields and self._fields["aggregate_function"].s == b"AVERAGE"
        return "base_values" in self._fields or averaging

    @cached_property
    def _splits(self) -> Splits:
        """As the trees are before anything is changed."""
        trees = self._ids("nodes_treeids")
        rows = Places(trees, self._ids("nodes_nodeids"))
        branches = np.array([mode != _LEAF for mode in self._fields["nodes_modes"].strings])
        children = np.full((len(trees), 2), -1, np.intp)
        for side, name in enumerate(("nodes_truenodeids", "nodes_falsenodeids")):
            children[branches, side] = rows.of(trees[branches], self._ids(name)[branches])
        return _spreads(children, *self._weights(rows, len(trees)))

    def _weights(self, rows: Places, nodes: int) -> tuple[NDArray[np.float64], Flags]:
        """The weight of each node for each output, and whether it has one."""
        ids = self._ids(f"{self._leaves}_ids")
        at = rows.of(self._ids(f"{self._leaves}_treeids"), self._ids(f"{self._leaves}_nodeids"))
        weights = np.zeros((nodes, int(ids.max()) + 1))
        told = np.zeros(weights.shape, bool)
        weights[at, ids] = self._fields[f"{self._leaves}_weights"].floats
        told[at, ids] = True
        return weights, told

    def _end(self, splits: Splits, leaves: Flags) -> None:
        """Let these nodes be the leaves, and write their weights."""
        for row in np.flatnonzero(leaves & ~splits.is_leaf).tolist():
            for name, value in _OF_LEAF.items():
                self._list(name)[row] = value
        rows, outputs = np.nonzero(splits.told & leaves[:, None])
        self._write("treeids", self._ids("nodes_treeids")[rows])
        self._write("nodeids", self._ids("nodes_nodeids")[rows])
        self._write("ids", outputs)
        self._write("weights", splits.means[rows, outputs].astype(np.float32))

    def _filter(self, prefix: str, kept: Flags) -> None:
        for name in [name for name in self._fields if name.startswith(prefix)]:
            values = self._list(name)
            if len(values) == len(kept):
                values[:] = list(itertools.compress(values, kept.tolist()))

    def _leave_out_what_says_nothing(self) -> None:
        telling = [
            a for a in self._node.attribute if a.name not in NEUTRAL or {*self._list(a.name)} != {NEUTRAL[a.name]}
        ]
        kept = [onnx.AttributeProto.FromString(attribute.SerializeToString()) for attribute in telling]
        del self._node.attribute[:]
        self._node.attribute.extend(kept)

    def _write(self, name: str, values: NDArray[Any]) -> None:
        self._list(f"{self._leaves}_{name}")[:] = values.tolist()

    def _ids(self, name: str) -> Ids:
        return np.array(self._fields[name].ints, np.int64)

    def _list(self, name: str) -> Any:  # noqa: ANN401 - a repeated field, which is untyped
        attribute = self._fields[name]
        return attribute.floats or attribute.ints or attribute.strings


def _spreads(children: NDArray[np.intp], weights: NDArray[np.float64], told: Flags) -> Splits:
    """From the leaves upwards: what lies below each node."""
    low, high, sums, counts = weights.copy(), weights.copy(), weights.copy(), np.ones(len(children))
    told = told.copy()
    for rows in _upwards(children):
        one, other = children[rows].T
        low[rows], high[rows] = np.minimum(low[one], low[other]), np.maximum(high[one], high[other])
        sums[rows], counts[rows] = sums[one] + sums[other], counts[one] + counts[other]
        told[rows] = told[one] | told[other]
    return Splits(children, (high - low).max(axis=1), sums / counts[:, None], told)


def _upwards(children: NDArray[np.intp]) -> Iterator[Rows]:
    """The splits in groups, each after the groups of its children."""
    known = children[:, 0] < 0
    while not known.all():
        ready = np.flatnonzero(~known & known[children].all(axis=1))
        yield ready
        known[ready] = True


def _first(runs: list[Ids], share: float) -> Ids:
    """A `share` of each run of trees, and one at least."""
    return np.concatenate([trees[: math.ceil(share * len(trees))] for trees in runs])
