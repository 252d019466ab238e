import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core.adapters.store_memory import MemoryStore
from core.domain.canonical import sha256
from core.errors import Corrupt
from core.tables import parts
from core.tables.parts import Parts, same_rows
from tests.faults import RecordingStore


def batch(count: int, start: int = 0) -> pa.RecordBatch:
    return pa.RecordBatch.from_pydict({"x": list(range(start, start + count))})


def key(number: int) -> str:
    return f"d/part-{number}"


def other_bytes(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="gzip")
    return bytes(sink.getvalue())


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(parts, "PART_ROWS", 10)


def test_a_part_ends_with_the_batch_that_fills_it():
    store = MemoryStore()
    made = Parts(store, key)
    places = []
    for start in range(0, 28, 4):
        places.append((made.number, made.held))
        made.add(batch(4, start))
    made.flush()
    assert places == [(0, 0), (0, 4), (0, 8), (1, 0), (1, 4), (1, 8), (2, 0)]
    assert [part.rows for part in made.written] == [12, 12, 4]
    assert made.rows == 28
    stored = [store.get(key(number)).data for number in range(3)]
    assert [part.sha256 for part in made.written] == [sha256(data) for data in stored]
    tables = [pq.read_table(pa.BufferReader(data)) for data in stored]
    assert pa.concat_tables(tables)["x"].to_pylist() == list(range(28))


def test_a_part_ends_with_the_batch_that_has_the_bytes():
    made = Parts(MemoryStore(), key, most_bytes=32)
    for _ in range(3):
        made.add(batch(4))
    assert [part.rows for part in made.written] == [4, 4, 4]


def test_nothing_is_written_of_no_rows():
    store = RecordingStore(MemoryStore(), "datasets")
    made = Parts(store, key)
    made.add(batch(0))
    made.flush()
    assert (made.rows, made.written, store.calls) == (0, [], [])


def test_what_an_earlier_attempt_wrote_stands():
    store = MemoryStore()
    stored = other_bytes(pa.Table.from_batches([batch(12)]))
    store.create(key(0), stored)
    made = Parts(store, key)
    made.add(batch(12))
    assert made.written[0].sha256 == sha256(stored)
    assert store.get(key(0)).data == stored


@pytest.mark.parametrize(
    ("stored", "problem"),
    [
        (other_bytes(pa.Table.from_batches([batch(12, 1)])), "holds other rows than the source has"),
        (b"half a par", "is no Parquet file"),
    ],
)
def test_something_else_in_its_place_is_corrupt(stored, problem):
    store = MemoryStore()
    store.create(key(0), stored)
    with pytest.raises(Corrupt, match=f"'d/part-0' {problem}"):
        Parts(store, key).add(batch(12))


def test_the_caller_says_what_is_the_same():
    store = MemoryStore()
    store.create(key(0), b"theirs")
    made = Parts(store, key, same=lambda stored, _: stored == b"theirs")
    made.add(batch(12))
    assert made.written[0].sha256 == sha256(b"theirs")


def test_rows_are_the_same_whatever_the_bytes():
    table = pa.Table.from_batches([batch(5)])
    assert same_rows(other_bytes(table), other_bytes(table))
    assert not same_rows(other_bytes(table), other_bytes(table.slice(1)))
