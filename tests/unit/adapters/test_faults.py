from __future__ import annotations

import pytest

from core.adapters.store_memory import MemoryStore
from tests.faults import Counter, Died, FailingStore, RecordingStore


@pytest.mark.parametrize(("after", "left"), [(False, ["1"]), (True, ["1", "2"])])
def test_death_before_or_after_the_nth_write_of_all_zones(*, after: bool, left: list[str]) -> None:
    counter, memory = Counter(), MemoryStore()
    one, two = (FailingStore(inner, 2, counter, after=after) for inner in (memory, memory))
    one.create("1", b"")
    one.get("1")
    with pytest.raises(Died):
        two.put("2", b"")
    for store in (one, two):
        with pytest.raises(Died):
            store.get("1")
        with pytest.raises(Died):
            store.put("3", b"")
    assert [info.key for info in memory.list("")] == left
    assert counter.verbs == [("create", "1"), ("put", "2")]


def test_an_undisturbed_run_counts_its_writes() -> None:
    counter = Counter()
    store = FailingStore(MemoryStore(), 0, counter)
    version = store.create("k", b"").version
    store.replace("k", b"x", version)
    store.put_stream("s", [b"x"])
    store.delete("s")
    assert list(store.stream("k")) == [b"x"]
    assert counter.writes == 4


def test_what_was_asked_of_each_zone() -> None:
    calls: list[tuple[str, str, str]] = []
    landing, models = RecordingStore(MemoryStore(), "landing", calls), RecordingStore(MemoryStore(), "models", calls)
    landing.put("k", b"x")
    landing.get("k")
    list(models.list("m/"))
    assert landing.verbs() == {"put", "get"}
    assert models.verbs() == {"list"}
    assert calls[0] == ("landing", "put", "k")
