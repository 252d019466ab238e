from __future__ import annotations

import io
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core.adapters.store_memory import MemoryStore
from core.errors import BadInput, VersionMismatch
from core.tables import read_parquet
from core.tables.read_parquet import parquet_batches
from tests.faults import RecordingStore


def encoded(table: pa.Table, **options: Any) -> bytes:
    file = io.BytesIO()
    pq.write_table(table, file, **options)
    return file.getvalue()


def stored(data: bytes):
    store = MemoryStore()
    return store, store.put("m/rows/f.parquet", data)


def read(data: bytes, wanted: set[str] | None = None):
    store, info = stored(data)
    return list(parquet_batches(store, info, wanted))


TABLE = pa.table({"a": range(1000), "secret": ["x" * 50] * 1000, "b": [str(n) for n in range(1000)]})


def test_rows_are_numbered_across_row_groups():
    found = read(encoded(TABLE, row_group_size=300))
    assert [len(raw.rows) for raw in found] == [300, 300, 300, 100]
    assert [int(row) for raw in found for row in raw.rows] == list(range(1, 1001))
    assert pa.Table.from_batches(raw.batch for raw in found) == TABLE


def test_only_wanted_columns_are_read():
    (raw,) = read(encoded(TABLE), {"b", "a", "other"})
    assert raw.names == ("a", "secret", "b")
    assert raw.batch.schema.names == ["a", "b"]


def test_a_column_with_a_dot_in_its_name_is_a_column():
    table = pa.table({"a.b": [1], "a": [2]})
    (raw,) = read(encoded(table), {"a.b"})
    assert raw.batch.to_pydict() == {"a.b": [1]}


def test_wide_rows_come_in_small_batches(monkeypatch):
    monkeypatch.setattr(read_parquet, "BATCH_BYTES", 32_000)
    wide = pa.table({"a": ["x" * 100 + str(n) for n in range(1000)]})
    sizes = [raw.batch.num_rows for raw in read(encoded(wide, use_dictionary=False))]
    assert sum(sizes) == 1000
    assert max(sizes) < 400


@pytest.mark.parametrize(("held", "most"), [(0, 2 << 20), (16 << 20, 9 << 20)])
def test_a_large_column_is_fetched_piece_by_piece_and_a_small_one_at_once(monkeypatch, held, most):
    monkeypatch.setattr(read_parquet, "HELD_BYTES", held)
    rows = pa.table({"a": pa.array(range(1_000_000)), "b": pa.array(range(1_000_000))})
    store, info = stored(encoded(rows, compression="none", use_dictionary=False))
    asked: list[int] = []

    class Ranges(RecordingStore):
        def get_range(self, key: str, start: int, length: int) -> bytes:
            asked.append(length)
            return super().get_range(key, start, length)

    assert sum(len(raw.rows) for raw in parquet_batches(Ranges(store, "landing"), info, {"a"})) == 1_000_000
    assert max(asked) <= most
    assert (len(asked) < 6) == bool(held)
    assert sum(asked) < info.size * 0.6


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", r"'m/rows/f.parquet' is empty"),
        (b"a,b\n1,2\n", "is not a Parquet file, or damaged"),
        (b"PAR1 this is not the real thing PAR1", "is not a Parquet file, or damaged"),
        (encoded(TABLE)[:-1], "is not a Parquet file, or damaged"),
        (encoded(TABLE)[: len(encoded(TABLE)) // 2], "is not a Parquet file, or damaged"),
        (encoded(pa.table([pa.array([1]), pa.array([2])], names=["a", "a"])), "has two columns named 'a'"),
    ],
)
def test_files_that_cannot_be_read(data, problem):
    with pytest.raises(BadInput, match=problem) as caught:
        read(data)
    assert "\n" not in str(caught.value)


def test_any_damaged_byte_is_an_error_of_ours_or_harmless():
    good = encoded(TABLE.slice(0, 20), compression="zstd", write_page_checksum=True)
    for place in range(0, len(good), 7):
        bad = bytearray(good)
        bad[place] ^= 0x55
        try:
            read(bytes(bad))
        except BadInput:
            continue


def test_a_file_that_is_replaced_while_it_is_read():
    store, info = stored(encoded(TABLE, row_group_size=300))
    batches = parquet_batches(store, info, None)
    next(batches)
    store.put(info.key, encoded(TABLE.slice(500), row_group_size=300))
    with pytest.raises(VersionMismatch):
        list(batches)


def test_a_file_without_rows_has_no_batches():
    assert read(encoded(TABLE.slice(0, 0))) == []
