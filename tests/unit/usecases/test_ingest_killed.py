"""The process is killed at every write of ingest and validate: the next attempt ends in the undisturbed state."""

import threading

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core.adapters.store_memory import MemoryStore
from core.errors import BadInput
from tests.faults import Counter, Died, FailingStore

from . import dropped
from .dropped import Site, row, rows

ROWS = dropped.csv([*rows(60), row(61, age="x"), *rows(40), row(62, plan="gold"), row(63, age="-1")])


@pytest.fixture(autouse=True)
def small_parts(monkeypatch):
    """So that there are several writes of each kind."""
    monkeypatch.setattr("core.tables.records.BLOCK", 1 << 11)
    monkeypatch.setattr("core.tables.parts.PART_ROWS", 40)
    monkeypatch.setattr("core.usecases.quarantine.ROWS_A_PART", 2)


def failing(site: Site, fail_at: int, *, after: bool) -> Counter:
    counter = Counter()
    site.wrap = lambda _, store: FailingStore(store, fail_at, counter, after=after)
    return counter


def work(site: Site, key: str) -> None:
    receipt = site.ingest(key)
    site.validate(receipt.dataset)


def undisturbed(data: bytes, run) -> tuple[dict, Counter]:
    site = Site()
    key = site.drop(data)
    counter = failing(site, 0, after=False)
    run(site, key)
    return site.state(), counter


def refused(site: Site, key: str) -> None:
    with pytest.raises(BadInput):
        site.ingest(key)


CASES = {"ingested": (ROWS, work), "refused": (ROWS + b'"open', refused)}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("after", [False, True])
def test_killed_at_any_write_and_started_again(case, after):
    data, run = CASES[case]
    expected, counter = undisturbed(data, run)
    assert counter.writes >= 4
    for fail_at in range(1, counter.writes + 1):
        site = Site()
        key = site.drop(data)
        failing(site, fail_at, after=after)
        with pytest.raises(Died):
            run(site, key)
        site.wrap = lambda _, store: store
        run(site, key)
        assert site.state() == expected


def test_killed_at_every_write_one_after_the_other():
    """Each attempt gets one write further and dies."""
    expected, _ = undisturbed(ROWS, work)
    site = Site()
    key = site.drop(ROWS)
    for _ in range(100):
        failing(site, 1, after=True)
        try:
            work(site, key)
            break
        except Died:
            continue
    site.wrap = lambda _, store: store
    work(site, key)
    assert site.state() == expected


def test_the_manifest_follows_the_parts_and_the_receipt_is_last():
    _, counter = undisturbed(ROWS, work)
    kinds = [key.rpartition("/")[2].partition("-")[0] for _, key in counter.verbs]
    assert kinds.index("manifest.json") > max(at for at, kind in enumerate(kinds) if kind in {"part", "rows"})
    assert counter.verbs[-2][1].startswith("churn/ingest/")
    assert counter.verbs[-1][1].startswith("churn/validation/")
    assert {verb for verb, _ in counter.verbs} == {"create"}


def test_many_at_once_end_in_one_state():
    expected, _ = undisturbed(ROWS, work)
    site = Site()
    key = site.drop(ROWS)
    threads = [threading.Thread(target=work, args=(site, key)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert site.state() == expected


class OtherBytes(MemoryStore):
    """What an attempt under another release of the Parquet writer leaves: the same rows in other bytes."""

    def create(self, key, data):
        if key.endswith(".parquet"):
            sink = pa.BufferOutputStream()
            pq.write_table(pq.read_table(pa.BufferReader(data)), sink, compression="gzip")
            data = bytes(sink.getvalue())
        return super().create(key, data)


def test_parts_of_an_earlier_release_stand():
    site = Site()
    key = site.drop(ROWS)
    site.stores["datasets"] = OtherBytes()
    failing(site, 4, after=False)
    with pytest.raises(Died):
        site.ingest(key)
    later = MemoryStore()
    for info in site.stores["datasets"].list(""):
        later.put(info.key, site.stores["datasets"].get(info.key).data)
    assert list(later.list(""))
    site.stores["datasets"], site.wrap = later, lambda _, store: store
    receipt = site.ingest(key)
    assert site.table(receipt).num_rows == 100
