"""Consecutive rows of a file that a model is asked about together, like ones side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa

from ..domain.alike import like_together, places_before
from ..domain.model import ModelManifest
from ..ports import Predictor
from .buffers import numbers
from .columns import coded_columns
from .predictions import answer_columns, answered_rows
from .raw import one_batch

ROWS = 65_536
"""Rows of a full window. The more there are to choose from, the more alike are neighbours: twice as many gain a
fifteenth of the model's time, and take 20 MB more."""

LOT = 8_192
"""Rows that are asked about by one thread at once."""


@dataclass(frozen=True, slots=True)
class Question:
    """The good rows of a batch, as what is written beside their answers and as what the model is asked."""

    passed: pa.RecordBatch
    features: pa.RecordBatch

    def __len__(self) -> int:
        """The number of rows."""
        return len(self.passed)


class Window:
    """The good rows of some batches. Threads may answer lots of one window at the same time."""

    def __init__(self, questions: Sequence[Question], manifest: ModelManifest, predictor: Predictor) -> None:
        self._passed = [question.passed for question in questions if len(question)]
        self._manifest, self._predictor = manifest, predictor
        self._rows = sum(map(len, self._passed))
        self.lots = -(-self._rows // LOT)
        if self.lots:
            self._columns = coded_columns(question.features for question in questions if len(question))
            self._order = like_together(self._columns.values.values(), self._rows)

    def answer(self, lot: int) -> pa.RecordBatch:
        """What the model says of the rows of a lot, counted from 0."""
        lot_rows = slice(lot * LOT, (lot + 1) * LOT)
        columns = self._columns.take(lot_rows if self._order is None else self._order[lot_rows])
        return answer_columns(self._predictor.predict(columns), self._manifest)

    def answered(self, lots: Sequence[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """The rows of each batch that has any, with their answers behind them, by the answers to all lots in turn."""
        if not lots:
            return
        answers = one_batch(pa.Table.from_batches(lots))
        if self._order is not None:
            answers = answers.take(numbers(places_before(self._order)))
        start = 0
        for passed in self._passed:
            yield answered_rows(passed, answers.slice(start, len(passed)))
            start += len(passed)
