"""Facts about a dataset, gathered a batch at a time in bounded memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ..domain.checks.dataset import ColumnFacts, DatasetFacts
from ..domain.dataset import DatasetManifest
from ..domain.schema import Feature
from .repeats import Repeats
from .row_checks import findings

SAMPLE = 100_000
"""Values of a number of which quantiles are taken; of more rows, evenly spaced ones."""
MOST_CATEGORIES = 100_000
SHARES = np.linspace(0, 1, 101)


def dataset_facts(
    read: Callable[[list[str] | None], Iterator[pa.RecordBatch]], manifest: DatasetManifest
) -> DatasetFacts:
    """The facts of a dataset that `read(columns)` iterates over, all columns of it for None."""
    schema = manifest.schema
    columns = {feature.name: _Column(feature) for feature in schema.features}
    violations: Counter[tuple[str | None, str]] = Counter()
    targets: set[Any] = set()
    ids = Repeats()
    for batch in read(None):
        for column, problem, mask in findings(batch, schema, "rows"):
            violations[column, problem] += pc.sum(mask).as_py() or 0
        for column_facts in columns.values():
            column_facts.add(batch)
        if len(targets) < 2:  # noqa: PLR2004 - two make a difference
            targets.update(pc.unique(batch.column(schema.target)).to_pylist()[:2])
        if schema.id is not None:
            ids.add(batch.column(schema.id))
    return DatasetFacts(
        rows=manifest.rows,
        rejected=manifest.rejected,
        repeated_ids=ids.count(),
        repeated_id=ids.example(lambda: (batch.column(0) for batch in read([str(schema.id)]))),
        targets=len(targets),
        violations=+violations,
        columns={name: found.facts() for name, found in columns.items()},
    )


@dataclass(slots=True)
class _Column:
    """One feature: nulls, and the counts of its categories or a sample of its numbers."""

    feature: Feature
    rows: int = 0
    nulls: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    sample: list[NDArray[np.float64]] = field(default_factory=list)
    sampled: int = 0
    stride: int = 1

    def add(self, batch: pa.RecordBatch) -> None:
        """Take in some more rows."""
        values = batch.column(self.feature.name)
        self.rows += len(values)
        self.nulls += values.null_count
        if self.feature.type in {"number", "integer"}:
            self._add_numbers(values.drop_null())
        else:
            self._add_categories(values.drop_null())

    def facts(self) -> ColumnFacts:
        """What is known now."""
        values = np.concatenate(self.sample) if self.sample else np.empty(0)
        quantiles = np.quantile(values, SHARES, method="nearest").tolist() if len(values) else []
        return ColumnFacts(self.rows, self.nulls, dict(self.counts), tuple(quantiles))

    def _add_numbers(self, values: pa.Array) -> None:
        kept = values.to_numpy(zero_copy_only=False)[:: self.stride].astype(np.float64)  # a copy, not a view of all
        self.sample.append(kept)
        self.sampled += len(kept)
        if self.sampled > 2 * SAMPLE:
            thinned = np.concatenate(self.sample)[::2].copy()
            self.sample, self.sampled, self.stride = [thinned], len(thinned), self.stride * 2

    def _add_categories(self, values: pa.Array) -> None:
        found = values.cast(pa.string()).value_counts()
        for value, rows in zip(found.field(0).to_pylist(), found.field(1).to_pylist(), strict=True):
            if value in self.counts or len(self.counts) < MOST_CATEGORIES:
                self.counts[value] += rows
