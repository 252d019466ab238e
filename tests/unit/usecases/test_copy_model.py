"""A model is taken from one store to another."""

from __future__ import annotations

import pytest

from core import layout
from core.adapters.store_memory import MemoryStore
from core.errors import NotFound, Refused
from core.ports import ObjectStore
from core.usecases.audit import audit_model
from core.usecases.copy_model import Copied, copy_model
from core.usecases.lineage import lineage
from tests.faults import Counter, Died, FailingStore
from tests.functions.loop import MODEL, Loop


@pytest.fixture(scope="module")
def loop(tmp_path_factory: pytest.TempPathFactory) -> Loop:
    loop = Loop(tmp_path_factory.mktemp("loop"))
    loop.drop()
    loop.run()
    return loop


def copy(loop: Loop, models: ObjectStore, datasets: ObjectStore) -> Copied:
    return copy_model(
        loop.stores["models"], loop.stores["datasets"], models, datasets, model=MODEL, progress=lambda key: None
    )


def content(store: MemoryStore) -> dict[str, bytes]:
    return {info.key: store.get(info.key).data for info in store.list("")}


def test_the_copy_is_the_same_and_knows_where_it_comes_from(loop: Loop) -> None:
    models, datasets = MemoryStore(), MemoryStore()
    copied = copy(loop, models, datasets)
    assert content(models) == content(loop.stores["models"])
    assert content(datasets) == content(loop.stores["datasets"])
    assert copied.objects == len(content(models)) + len(content(datasets))
    assert audit_model(models, MODEL).intact
    here, there = (
        lineage(store, data, MemoryStore(), copied.champion)
        for store, data in ((loop.stores["models"], loop.stores["datasets"]), (models, datasets))
    )
    assert here == there


@pytest.mark.parametrize("after", [False, True])
def test_a_copy_that_dies_at_any_write_goes_on_and_serves_only_when_it_is_whole(loop: Loop, after: bool) -> None:
    total = len(content(loop.stores["models"])) + len(content(loop.stores["datasets"]))
    for fail_at in range(1, total + 1):
        models, datasets, counter = MemoryStore(), MemoryStore(), Counter()
        with pytest.raises(Died):
            copy(loop, *(FailingStore(store, fail_at, counter, after=after) for store in (models, datasets)))
        assert (layout.route(MODEL) in content(models)) == (after and fail_at == total)
        copy(loop, models, datasets)
        assert content(models) == content(loop.stores["models"])
        assert content(datasets) == content(loop.stores["datasets"])
    assert copy(loop, models, datasets).bytes == 0


def test_another_history_is_not_mixed_with_this_one(loop: Loop) -> None:
    models = MemoryStore()
    models.put(layout.journal_entry(MODEL, 1), b"{}")
    with pytest.raises(Refused, match="history of its own"):
        copy(loop, models, MemoryStore())
    assert content(models) == {layout.journal_entry(MODEL, 1): b"{}"}


def test_what_does_not_serve_is_not_copied() -> None:
    with pytest.raises(NotFound, match="no version of model m serves"):
        copy_model(MemoryStore(), MemoryStore(), MemoryStore(), MemoryStore(), model="m", progress=lambda key: None)
