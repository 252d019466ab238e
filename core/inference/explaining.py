"""`?explain=1`: what each feature's value added to the answer of each row, told beside the answer.

A classifier's explained number is the probability of the class that it answered. The background is the real rows among
the golden rows, which every version is stored with. `explain_budget` bounds the rows that the model answers a row.
"""

from __future__ import annotations

import re
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from typing import Any
from urllib.parse import parse_qs

import msgspec
import numpy as np
from numpy.typing import NDArray

from ..domain.columns import Columns, Outputs
from ..domain.explanation import Explanation, explain
from ..domain.model import GOLDEN
from ..domain.prediction import PREDICTION, probability_column
from ..errors import BadInput
from ..usecases.score_one import Answer
from .cache import ModelCache
from .golden import Golden
from .http import Request
from .rows import Rows
from .served import Served

BUDGET, LARGEST_BUDGET = 2_000, 100_000
MOST_ROWS = 10
"""Rows of one request that are explained: the first ones."""
SECONDS = 1.0
"""Time for all rows of a request together, give or take one call of the model a row."""
KEPT = 16
"""Versions whose background is kept in memory."""


class Explained(msgspec.Struct, frozen=True):
    """One row's explanation; `output` is the number that it is of, as `probability_<class>` or `prediction`."""

    output: str
    explanation: Explanation

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {"output": self.output, **asdict(self.explanation)}


def budget_of(request: Request) -> int | None:
    """How many rows may be answered to explain one, None if nothing is to be explained; raises BadInput."""
    if "explain" not in request.query:
        return None
    asked = parse_qs(request.query, keep_blank_values=True)
    text = asked.get("explain_budget", [str(BUDGET)])[-1]
    if not (re.fullmatch("[0-9]{1,6}", text) and int(text) <= LARGEST_BUDGET):
        raise BadInput(f"explain_budget is {text[:40]!r}: it must be a whole number, up to {LARGEST_BUDGET}.")
    if asked.get("explain", ["0"])[-1] in {"0", "false"}:
        return None
    return int(text)


class Explainer:
    """Explains answers. Safe to share between threads; the background of a version is read when first needed."""

    def __init__(self, cache: ModelCache, now: Callable[[], float] = time.monotonic) -> None:
        self._cache, self._now = cache, now
        self._backgrounds: OrderedDict[tuple[str, str], Columns] = OrderedDict()

    def explain(self, served: Served, rows: Rows, answer: Answer, budget: int) -> list[Explained]:
        """One explanation a row, of the first. Raises Corrupt or Transient if the background cannot be read."""
        background, began = self._background(served), self._now()
        share = SECONDS / min(rows.count, MOST_ROWS)
        return [
            self._one(served, row, answer, number, background, budget, began + share * (number + 1))
            for number, row in enumerate(_singly(served, rows))
        ]

    def _one(
        self,
        served: Served,
        row: Columns,
        answer: Answer,
        number: int,
        background: Columns,
        budget: int,
        until: float,
    ) -> Explained:
        output, pick = _explained(answer, number)
        predict = served.loaded.predictor.predict
        found = explain(
            lambda columns: pick(predict(columns)),
            row,
            background,
            budget=budget,
            in_time=lambda: self._now() < until,
        )
        return Explained(output, found)

    def _background(self, served: Served) -> Columns:
        key = (served.loaded.manifest.model, served.version)
        known = self._backgrounds.get(key)
        if known is None:
            columns = Golden.decode(self._cache.read(served, GOLDEN)).columns
            known = {name: values[: max(1, len(values) // 2)] for name, values in columns.items()}
            self._backgrounds[key] = known
            while len(self._backgrounds) > KEPT:
                self._backgrounds.popitem(last=False)
        return known


def attach(body: dict[str, Any], explained: Sequence[Explained]) -> dict[str, Any]:
    """The body of an answer with its explanations, one object a row."""
    return {**body, "explanations": [each.to_json() for each in explained]}


def as_tensors(explained: Sequence[Explained]) -> list[dict[str, Any]]:
    """The explanations as outputs of the Open Inference Protocol, of n rows and f features.

    `explained_output` (BYTES [n]), `base` (FP64 [n]) and `contributions` (FP64 [n, f]).
    """
    features, n = list(explained[0].explanation.contributions), len(explained)
    values = [value for each in explained for value in each.explanation.contributions.values()]
    tensors: list[dict[str, Any]] = [
        {"name": "explained_output", "datatype": "BYTES", "shape": [n], "data": [each.output for each in explained]},
        {"name": "base", "datatype": "FP64", "shape": [n], "data": [each.explanation.base for each in explained]},
        {"name": "contributions", "datatype": "FP64", "shape": [n, len(features)], "data": values},
    ]
    tensors[-1]["parameters"] = {"features": features}
    return tensors


def _singly(served: Served, rows: Rows) -> Iterator[Columns]:
    """Each row that is explained by itself, as the model takes it."""
    names = served.loaded.manifest.schema.feature_names
    for row in range(min(rows.count, MOST_ROWS)):
        yield {name: rows.columns[name][row] for name in names}


def _explained(answer: Answer, row: int) -> tuple[str, Callable[[Outputs], NDArray[Any]]]:
    """The name of the number that is explained, and how to get it from what the model answers."""
    if answer.outputs.labels is None:
        return PREDICTION, lambda outputs: np.asarray(outputs.prediction)
    label = answer.outputs.labels[row]
    at = answer.manifest.classes.index(label)
    return probability_column(label), lambda outputs: np.asarray(outputs.probabilities)[:, at]
