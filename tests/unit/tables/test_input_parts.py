from __future__ import annotations

import io

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.adapters.store_memory import MemoryStore
from core.errors import BadInput, VersionMismatch
from core.tables import input_parts, read_parquet
from core.tables.input_parts import InputPart, count_parts, count_rows, cuts


def stored(table: pa.Table, group: int, name: str = "f.parquet"):
    file = io.BytesIO()
    pq.write_table(table, file, row_group_size=group)
    store = MemoryStore()
    return store, store.put(name, file.getvalue())


def numbers(parts: list[InputPart]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for part in parts:
        found.setdefault(part.number, []).extend(part.raw.rows.tolist())
    return found


def read(store, info, is_open=lambda _number: True) -> list[InputPart]:
    return list(input_parts.input_parts(store, info, {"a"}, (), is_open))


@given(st.lists(st.integers(0, 700_000), max_size=12))
def test_cuts_hold_every_row_once_in_order(groups):
    found = cuts(groups)
    assert [start for start, _ in found] == [0, *(stop for _, stop in found)][: len(found)]
    assert sum(stop - start for start, stop in found) == sum(groups)
    assert all(0 < stop - start <= input_parts.PART_ROWS for start, stop in found)


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(input_parts, "PART_ROWS", 100)
    monkeypatch.setattr(read_parquet, "LONGEST_BATCH", 30)


@pytest.mark.parametrize("group", [7, 50, 100, 130, 1_000])
def test_parts_of_parquet_are_the_same_whichever_are_read(small, group):
    table = pa.table({"a": np.arange(1_000)})
    store, info = stored(table, group)
    whole = read(store, info)
    rows = numbers(whole)
    assert [row for part in rows.values() for row in part] == list(range(1, 1_001))
    assert len(rows) == count_parts(store, info)
    assert count_rows(store, info) == 1_000
    for chosen in rows:
        alone = read(store, info, lambda number, chosen=chosen: number == chosen)
        expected = [part for part in whole if part.number == chosen]
        assert [part.raw.batch for part in alone] == [part.raw.batch for part in expected]
        assert [part.last for part in alone] == [False] * (len(alone) - 1) + [True]


@pytest.mark.parametrize("name", ["f.csv", "f.jsonl"])
def test_parts_of_text_are_cut_by_rows_as_they_are_met(small, name, monkeypatch):
    monkeypatch.setattr("core.tables.records.BLOCK", 300)
    lines = [f'{{"a": {row}}}' if name.endswith("jsonl") else str(row) for row in range(1_000)]
    head = [] if name.endswith("jsonl") else ["a"]
    store = MemoryStore()
    info = store.put(name, "\n".join([*head, *lines]).encode())
    whole = read(store, info)
    assert [row for part in numbers(whole).values() for row in part] == list(range(1, 1_001))
    assert len(numbers(whole)) > 5
    odd = read(store, info, lambda number: number % 2 == 1)
    assert numbers(odd) == {number: rows for number, rows in numbers(whole).items() if number % 2}


def test_a_part_that_is_passed_over_is_not_read(small):
    store, info = stored(pa.table({"a": np.arange(1_000)}), 100)
    data = bytearray(store.get("f.parquet").data)
    chunk = pq.ParquetFile(io.BytesIO(bytes(data))).metadata.row_group(4).column(0)
    start = chunk.dictionary_page_offset or chunk.data_page_offset
    data[start : start + 40] = b"\xff" * 40
    info = store.put("f.parquet", bytes(data))
    assert len(numbers(read(store, info, lambda number: number != 4))) == 9
    with pytest.raises(BadInput, match=r"damaged behind row 400 \(row group 4\)"):
        read(store, info)


def test_what_was_replaced_is_told_behind_what_was_read(small):
    store, info = stored(pa.table({"a": np.arange(1_000)}), 100)
    part = next(input_parts.input_parts(store, info, {"a"}, (), lambda _number: True))
    part.check_version()
    store.put("f.parquet", b"other")
    with pytest.raises(VersionMismatch):
        part.check_version()
