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
    ids = _Ids()
    for batch in read(None):
        for column, problem, mask in findings(batch, schema, "rows"):
            violations[column, problem] += pc.sum(mask).as_py() or 0
        for column_facts in columns.values():
            column_facts.add(batch)
        if len(targets) < 2:  # noqa: PLR2004 - two make a difference
            targets.update(pc.unique(batch.column(schema.target)).to_pylist()[:2])
        if schema.id is not None:
            ids.add(batch.column(schema.id))
    repeated, example = ids.repeated(lambda: read([str(schema.id)]))
    return DatasetFacts(
        rows=manifest.rows,
        rejected=manifest.rejected,
        repeated_ids=repeated,
        repeated_id=example,
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
        kept = values.to_numpy(zero_copy_only=False).astype(np.float64)[:: self.stride]
        self.sample.append(kept)
        self.sampled += len(kept)
        if self.sampled > 2 * SAMPLE:
            thinned = np.concatenate(self.sample)[::2].copy()
            self.sample, self.sampled, self.stride = [thinned], len(thinned), self.stride * 2

    def _add_categories(self, values: pa.Array) -> None:
        for entry in values.cast(pa.string()).value_counts():
            value = entry["values"].as_py()
            if value in self.counts or len(self.counts) < MOST_CATEGORIES:
                self.counts[value] += entry["counts"].as_py()


class _Ids:
    """Finds ids that come twice by 8 bytes an id: 64-bit hashes, which are equal by chance once in 10^5 files of 10^7."""

    def __init__(self) -> None:
        self._hashes: list[NDArray[np.int64]] = []

    def add(self, ids: pa.Array) -> None:
        """Take in some more rows."""
        self._hashes.append(_hashed(ids))

    def repeated(self, read: Callable[[], Iterator[pa.RecordBatch]]) -> tuple[int, str | None]:
        """How many rows have an id that occurs before, and the first of them."""
        hashes = np.sort(np.concatenate(self._hashes)) if self._hashes else np.empty(0, np.int64)
        again = hashes[1:][hashes[1:] == hashes[:-1]]
        return len(again), _first_repeated(read, again) if len(again) else None


def _hashed(ids: pa.Array) -> NDArray[np.int64]:
    return np.fromiter(map(hash, ids.to_pylist()), np.int64, len(ids))


def _first_repeated(read: Callable[[], Iterator[pa.RecordBatch]], again: NDArray[np.int64]) -> str | None:
    met: set[str] = set()
    for batch in read():
        ids = batch.column(0)
        for index in np.flatnonzero(np.isin(_hashed(ids), again)).tolist():
            name = ids[index].as_py()
            if name in met:
                return str(name)
            met.add(name)
    return None
