"""Why a model answered a row as it did: what each feature's value added, by sampled Shapley values.

Source: Strumbelj and Kononenko 2014, "Explaining prediction models and individual predictions with feature
contributions", Knowledge and Information Systems 41; pairs of a permutation and its reverse: Mitchell, Cooper, Frank
and Holmes 2022, "Sampling permutations for Shapley value estimation", JMLR 23. A walk begins at a background row and
takes over the explained row's values one by one; what the answer changes by is the feature's. Along each walk the
changes add up, so contributions sum exactly to the answer minus the mean answer of the background rows that were used.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .columns import Columns

PAIRS_AT_ONCE = 16
"""Pairs of walks that are answered in one call of the model, between two looks at the time."""

Answers = Callable[[Columns], NDArray[Any]]
"""A model's number for each of n rows, [n]."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """`answer` = `base` + the sum of `contributions`, a number a feature. `evaluations` rows were answered for it."""

    answer: float
    base: float
    contributions: dict[str, float]
    evaluations: int


def explain(
    answers: Answers,
    row: Columns,
    background: Columns,
    *,
    budget: int,
    seed: int = 0,
    in_time: Callable[[], bool] = lambda: True,
) -> Explanation:
    """Explain one row (columns of [1]) against background rows (columns of [b], b >= 1).

    At most `budget` rows are answered, but for two walks at least; fewer when `in_time` says no. Deterministic by
    `seed` as long as there is time.
    """
    names = list(row)
    rng = np.random.default_rng(seed)
    pairs = max(1, budget // (2 * (len(names) + 1)))
    rows = len(background[names[0]])
    starts = np.resize(rng.permutation(rows), pairs)
    orders = np.argsort(rng.random((pairs, len(names))), axis=1)
    walks = [np.empty((0, len(names) + 1))]
    added = [np.empty((0, len(names)))]
    for first in range(0, pairs, PAIRS_AT_ONCE):
        some = slice(first, first + PAIRS_AT_ONCE)
        both = np.concatenate([orders[some], orders[some, ::-1]])
        path = _walk(answers, row, background, np.tile(starts[some], 2), both)
        walks.append(path)
        added.append(np.take_along_axis(np.diff(path, axis=1), np.argsort(both, axis=1), axis=1))
        if not in_time():
            break
    paths, contributions = np.concatenate(walks), np.concatenate(added).mean(axis=0)
    found = dict(zip(names, contributions.tolist(), strict=True))
    return Explanation(float(paths[0, -1]), float(paths[:, 0].mean()), found, paths.size)


def _walk(
    answers: Answers, row: Columns, background: Columns, starts: NDArray[np.intp], orders: NDArray[np.intp]
) -> NDArray[np.float64]:
    """The answers along each walk, [walks, features + 1]: walk w takes feature `orders[w, i]` over at step i + 1."""
    walks, features = orders.shape
    taken = np.argsort(orders, axis=1)[:, np.newaxis, :] < np.arange(features + 1)[:, np.newaxis]
    columns = {
        name: np.where(taken[:, :, at], row[name][0], background[name][starts][:, np.newaxis]).reshape(-1)
        for at, name in enumerate(row)
    }
    return answers(columns).astype(np.float64).reshape(walks, features + 1)
