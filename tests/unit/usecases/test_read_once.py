"""Objects that never change are read once; what is remembered has a limit."""

from __future__ import annotations

import gc

import pytest

from core.adapters.store_memory import MemoryStore
from core.errors import NotFound
from core.usecases import read_once as memory
from core.usecases.read_once import read_once
from tests.faults import RecordingStore


def reads(store: RecordingStore) -> list[str]:
    return [key for _, verb, key in store.calls if verb == "get"]


def test_an_object_is_read_once_from_each_store() -> None:
    first, second = RecordingStore(MemoryStore(), "reports"), RecordingStore(MemoryStore(), "reports")
    for store, data in ((first, b"1"), (second, b"2")):
        store.create("k", data)
        assert [read_once(store, "k") for _ in range(3)] == [data] * 3
        assert reads(store) == ["k"]


def test_what_is_not_there_yet_is_asked_for_again() -> None:
    store = MemoryStore()
    with pytest.raises(NotFound):
        read_once(store, "k")
    store.create("k", b"1")
    assert read_once(store, "k") == b"1"


def test_what_was_asked_for_least_recently_is_forgotten_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "ROOM", 20)
    store = RecordingStore(MemoryStore(), "reports")
    for key in "abc":
        store.create(key, b"0123456789")
    for key in "abacab":
        read_once(store, key)
    assert reads(store) == ["a", "b", "c", "b"]


def test_a_store_that_is_gone_is_forgotten() -> None:
    gc.collect()
    before, store = len(memory._memories), MemoryStore()
    store.create("k", b"1")
    read_once(store, "k")
    assert len(memory._memories) == before + 1
    del store
    gc.collect()
    assert len(memory._memories) == before
