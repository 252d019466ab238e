"""Answers and their truth, brought together in bounded memory."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ..domain.dataset import DatasetManifest
from ..domain.metrics import Answers
from ..domain.model import ModelManifest
from ..domain.performance.judged import kept
from ..ports import ReadsLists
from ..tables.matching import Matching
from ..tables.predictions import Answered
from .answer_records import Sample, records_of
from .labels import add_labels, keys_of


class Pairs:
    """Use within `with`: add answers, then ask for the pairs once.

    `labels` are datasets of labels, the oldest first. An answer that is added with `old` is looked for among the labels
    of the datasets in `fresh` alone: the others have been counted with it before.
    """

    def __init__(
        self,
        datasets: ReadsLists,
        labels: Sequence[DatasetManifest],
        manifest: ModelManifest,
        seed: int,
        fresh: Collection[str] = (),
    ) -> None:
        self._datasets = datasets
        self._labels = labels
        self._manifest = manifest
        self._fresh = fresh
        self._stack = ExitStack()
        self._sample = Sample(kept(len(manifest.classes), 0), seed)

    def __enter__(self) -> Self:
        """Read the labels."""
        folder = Path(self._stack.enter_context(TemporaryDirectory(prefix="tidemill-")))
        record = np.dtype([("old", "?"), ("record", kept(len(self._manifest.classes), 0))])
        matching = Matching(folder, sum(labels.rows for labels in self._labels), record)
        self._matching = self._stack.enter_context(matching)
        self._dtype = record
        self._news = [self._add(labels) for labels in self._labels]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove what was written."""
        self._stack.close()

    def add(self, answered: Answered, *, old: bool = False) -> None:
        """Add rows that the version answered; without any labels there is nothing to find."""
        if not self._matching.labels:
            return
        records = np.zeros(len(answered), self._dtype)
        records["old"] = old
        records["record"] = records_of(answered, self._manifest, None)
        self._matching.add_rows(keys_of(answered), records)

    def match(self) -> int:
        """Find the truth of what was added; how many answers have one."""
        for records, truth, number in self._matching.matched():
            known = number >= 0
            known[known] &= ~records["old"][known] | self._is_new(number[known])
            pairs = records["record"][known]
            pairs["truth"] = truth[known]
            self._sample.add(pairs)
        return self._sample.rows

    def answers(self) -> Answers | None:
        """What was matched, as metrics take it; None if nothing was."""
        return self._sample.judged().answers() if self._sample.rows else None

    def _add(self, labels: DatasetManifest) -> tuple[int, bool]:
        """(number behind the last label of the dataset, whether it is fresh)."""
        add_labels(self._matching, self._datasets, [labels], self._manifest.classes)
        return self._matching.labels, labels.version in self._fresh

    def _is_new(self, numbers: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether the dataset of each label is fresh."""
        ends, fresh = np.array([end for end, _ in self._news]), np.array([fresh for _, fresh in self._news], bool)
        new: NDArray[np.bool_] = fresh[np.searchsorted(ends, numbers, side="right")]
        return new
