"""Fewer trees, or smaller ones: what float16 and int8 are for weights, for models that are made of trees."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

import onnx

from core.errors import Refused

from .graphs import load, nodes, save
from .trees import LEAVES, Ensemble

SHARES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
"""Of the trees, or of the splits, that are kept. All of them still are less bytes, without what says nothing."""

Way: TypeAlias = Callable[[Ensemble, float], None]
WAYS: tuple[tuple[Way, Callable[[Ensemble, float], int]], ...] = (
    (Ensemble.drop, Ensemble.kept_by_drop),
    (Ensemble.merge, Ensemble.kept_by_merge),
)
"""What each does, and how many nodes it would keep, which bytes are in proportion to."""


def pruned(data: bytes) -> Iterator[bytes]:
    """The model with ever more of its trees and splits; raises Refused if it has none to drop."""
    for place, share in _plans(_ensembles(load(data))):
        model = load(data)
        for ensemble in _ensembles(model):
            WAYS[place][0](ensemble, share)
        yield save(model)


def _plans(ensembles: list[Ensemble]) -> list[tuple[int, float]]:
    """(place in `WAYS`, share), the one that keeps the fewest nodes first."""
    if not any(len(trees) > 1 for ensemble in ensembles for trees in ensemble.runs()):
        raise Refused("it has no trees to drop.")
    places = [(place, share) for place in range(len(WAYS)) for share in SHARES]
    return sorted(places, key=lambda plan: sum(WAYS[plan[0]][1](ensemble, plan[1]) for ensemble in ensembles))


def _ensembles(model: onnx.ModelProto) -> list[Ensemble]:
    return [Ensemble(node) for node in nodes(model.graph) if node.op_type in LEAVES]
