from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core import layout
from core.adapters.store_memory import MemoryStore
from core.domain.canonical import sha256
from core.domain.dataset import DatasetManifest, Part, Source
from core.domain.schema import Feature, Schema
from core.errors import Corrupt
from core.tables.arrow import dataset_schema
from core.tables.datasets import encode_part, iter_dataset, read_dataset

SCHEMA = Schema(
    model="m",
    task="binary",
    target="y",
    id="k",
    features=(Feature("n", "number", nullable=True), Feature("c", "category")),
)


def batch(start: int, rows: int) -> pa.RecordBatch:
    made = [
        {"k": f"k{n}", "n": None if n % 3 == 0 else n / 7, "c": "ab"[n % 2], "y": "1"}
        for n in range(start, start + rows)
    ]
    return pa.RecordBatch.from_pylist(made, schema=dataset_schema(SCHEMA))


@pytest.fixture
def stored() -> tuple[MemoryStore, DatasetManifest]:
    """A dataset of two parts, of 5 and 3 rows."""
    datasets = MemoryStore()
    parts = []
    for number, rows in enumerate(([batch(0, 2), batch(2, 3)], [batch(5, 3)])):
        data = encode_part(rows)
        datasets.create(layout.dataset_part("m", "v", number), data)
        parts.append(Part(sum(map(len, rows)), sha256(data)))
    source = Source("m/rows/f.csv", "1", "0" * 64)
    return datasets, DatasetManifest("m", "v", "rows", source, SCHEMA, 8, 0, tuple(parts), "code")


def test_equal_rows_are_equal_bytes_however_they_came():
    whole = encode_part([batch(0, 100)])
    assert encode_part([batch(0, 30), batch(30, 69), batch(99, 1)]) == whole
    assert encode_part([batch(0, 200).slice(0, 100)]) == whole
    assert encode_part([batch(0, 99)]) != whole


def test_a_part_is_parquet_that_anyone_reads():
    file = pq.ParquetFile(pa.BufferReader(encode_part([batch(0, 100)])))
    assert file.metadata.num_row_groups == 1
    assert file.schema_arrow == dataset_schema(SCHEMA)
    assert file.read().to_pylist() == batch(0, 100).to_pylist()


def test_rows_come_in_the_order_of_their_source(stored):
    assert read_dataset(*stored) == pa.Table.from_batches([batch(0, 8)])
    assert [len(rows) for rows in iter_dataset(*stored)] == [5, 3]


def test_some_columns(stored):
    assert read_dataset(*stored, columns=["y", "n"]).schema.names == ["n", "y"]
    assert all(rows.schema.names == ["n"] for rows in iter_dataset(*stored, columns=["n"]))


def test_a_part_that_is_missing(stored):
    datasets, manifest = stored
    datasets.delete(layout.dataset_part("m", "v", 1))
    with pytest.raises(Corrupt, match=r"part m/v/part-00001.parquet of a dataset is missing: drop m/rows/f.csv again"):
        read_dataset(datasets, manifest)


def test_a_part_that_was_altered(stored):
    datasets, manifest = stored
    datasets.put(layout.dataset_part("m", "v", 0), encode_part([batch(1, 5)]))
    with pytest.raises(Corrupt, match="does not match its hash"):
        read_dataset(datasets, manifest)
