"""Models in memory: loaded on first need, swapped whole, never served when they fail to prove themselves."""

import logging
import threading
from dataclasses import replace
from typing import Any

import pytest

from core import layout
from core.adapters.store_memory import MemoryStore
from core.domain.model import GOLDEN, ONNX
from core.domain.route import Route
from core.errors import NotFound, TidemillError, Transient
from core.inference.cache import RETRY_AFTER, ModelCache
from core.inference.predictor import load_predictor
from core.inference.refusals import Refusal
from core.usecases.load_model import IN_MEMORY
from tests import penguins
from tests.penguins import MODEL, Clock, Version

FIRST, SECOND = "0000000000000001", "0000000000000002"


class Shop:
    """A models zone that counts what is read and can be out of reach."""

    def __init__(self, **options: Any) -> None:
        self.store, self.clock = MemoryStore(), Clock()
        self.reads: list[str] = []
        self.away = False
        for variant in (1, 2):
            penguins.classifier(variant).store(self.store)
        penguins.route(self.store, FIRST)
        self.cache = ModelCache(self, load_predictor, now=self.clock.seconds, **options)  # type: ignore[arg-type]

    def get(self, key: str) -> Any:
        self.reads.append(key)
        if self.away:
            raise Transient("the store is away.")
        return self.store.get(key)

    def get_if_changed(self, key: str, version: str) -> Any:
        self.reads.append(f"{key}?")
        if self.away:
            raise Transient("the store is away.")
        return self.store.get_if_changed(key, version)

    def serving(self) -> str:
        return self.cache.champion(MODEL).version


def spoil(shop: Shop, version: Version, name: str = ONNX) -> None:
    key = layout.model_file(MODEL, version.version, name)
    shop.store.put(key, shop.store.get(key).data + b"\0")


def test_a_champion_is_loaded_once() -> None:
    shop = Shop()
    assert shop.cache.models == ()
    assert [shop.serving() for _ in range(3)] == [FIRST] * 3
    files = [layout.model_file(MODEL, FIRST, name) for name in ("manifest.json", ONNX, GOLDEN)]
    assert shop.reads == [layout.route(MODEL), *files]


def test_the_route_is_read_again_once_it_is_old_and_only_asked_for_changes() -> None:
    shop = Shop(route_ttl=5.0)
    shop.serving()
    shop.reads.clear()
    shop.clock.advance(4.9)
    shop.serving()
    assert shop.reads == []
    shop.clock.advance(0.1)
    shop.serving()
    shop.serving()
    assert shop.reads == [f"{layout.route(MODEL)}?"]


def test_a_promotion_is_followed_and_a_rollback_costs_no_load() -> None:
    shop = Shop()
    shop.serving()
    penguins.route(shop.store, SECOND, FIRST)
    shop.clock.advance(5)
    assert shop.serving() == SECOND
    penguins.route(shop.store, FIRST)
    shop.reads.clear()
    shop.clock.advance(5)
    assert shop.serving() == FIRST
    assert shop.reads == [f"{layout.route(MODEL)}?"]


def test_refreshing_off_the_path_spares_requests_the_read() -> None:
    shop = Shop()
    shop.serving()
    for _ in range(4):
        shop.clock.advance(2.5)
        shop.cache.refresh_all()
        shop.reads.clear()
        shop.serving()
        assert shop.reads == []


@pytest.mark.parametrize("name", [ONNX, GOLDEN])
def test_a_spoilt_version_is_not_served_and_the_one_before_goes_on(name: str, caplog: pytest.LogCaptureFixture) -> None:
    shop = Shop()
    shop.serving()
    spoil(shop, penguins.classifier(2), name)
    penguins.route(shop.store, SECOND, FIRST)
    shop.clock.advance(5)
    with caplog.at_level(logging.WARNING):
        assert shop.serving() == FIRST
    assert f"version {FIRST} goes on: version {SECOND} of model {MODEL} is not ready: file {name}" in caplog.text


def test_a_new_process_serves_the_one_before_as_well() -> None:
    shop = Shop()
    spoil(shop, penguins.classifier(2))
    penguins.route(shop.store, SECOND, FIRST)
    assert shop.serving() == FIRST


def test_a_spoilt_version_is_tried_again_later_and_served_once_mended() -> None:
    shop = Shop()
    spoil(shop, penguins.classifier(2))
    penguins.route(shop.store, SECOND, FIRST)
    shop.serving()
    penguins.classifier(2).store(shop.store)
    shop.reads.clear()
    shop.clock.advance(5)
    assert shop.serving() == FIRST
    assert shop.reads == [f"{layout.route(MODEL)}?"]
    shop.clock.advance(RETRY_AFTER)
    assert shop.serving() == SECOND


def test_a_version_whose_golden_rows_come_out_otherwise_is_not_served() -> None:
    shop = Shop()
    first, second = penguins.classifier(1), penguins.classifier(2)
    swapped = {**second.manifest.files, ONNX: first.manifest.files[ONNX]}
    Version(replace(second.manifest, files=swapped), {**second.files, ONNX: first.files[ONNX]}).store(shop.store)
    penguins.route(shop.store, SECOND)
    with pytest.raises(Transient, match="golden rows"):
        shop.serving()


def test_a_route_to_nothing_is_not_ready() -> None:
    shop = Shop()
    penguins.route(shop.store, "missing")
    with pytest.raises(Transient, match="model penguins is not ready: model penguins has no version missing"):
        shop.serving()


def test_what_is_no_route_is_not_ready_and_does_not_disturb_who_serves() -> None:
    shop = Shop()
    shop.serving()
    shop.store.put(layout.route(MODEL), b"{}")
    shop.clock.advance(5)
    assert shop.serving() == FIRST
    with pytest.raises(Transient, match="route cannot be read"):
        ModelCache(shop.store, load_predictor).champion(MODEL)


def test_a_store_out_of_reach_stops_no_loaded_model() -> None:
    shop = Shop()
    shop.serving()
    shop.away = True
    shop.clock.advance(60)
    assert shop.serving() == FIRST
    with pytest.raises(Transient):
        shop.cache.champion("weights")


@pytest.mark.parametrize("model", ["unknown", "../etc", "Ü", "x" * 64, ""])
def test_an_unknown_model_is_not_found(model: str) -> None:
    with pytest.raises(NotFound, match="there is no model"):
        Shop().cache.champion(model)


def test_a_model_without_its_route_is_served_no_more() -> None:
    shop = Shop()
    shop.serving()
    shop.store.delete(layout.route(MODEL))
    shop.clock.advance(5)
    with pytest.raises(NotFound):
        shop.serving()


def test_versions_by_number_are_kept_while_they_are_used() -> None:
    shop = Shop(memory=1)
    for _ in range(2):
        assert shop.cache.version(MODEL, SECOND).version == SECOND
    assert len(shop.reads) == 3
    assert shop.cache.version(MODEL, FIRST).version == FIRST
    assert shop.cache.version(MODEL, SECOND).version == SECOND
    assert len(shop.reads) == 9
    with pytest.raises(NotFound, match="has no version 3"):
        shop.cache.version(MODEL, "3")


def test_versions_are_the_champion_the_challenger_and_those_before() -> None:
    shop = Shop()
    penguins.route(shop.store, FIRST, SECOND, "0")
    assert shop.cache.versions(MODEL) == (FIRST, SECOND, "0")


def test_many_threads_that_need_a_model_load_it_once() -> None:
    shop = Shop()
    threads = [threading.Thread(target=shop.serving) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert shop.reads.count(layout.model_file(MODEL, FIRST, ONNX)) == 1


def test_while_one_loads_the_others_go_on() -> None:
    shop = Shop()
    shop.serving()
    penguins.route(shop.store, SECOND, FIRST)
    shop.clock.advance(5)
    loading, go_on = threading.Event(), threading.Event()

    def slow(onnx: bytes, manifest: Any) -> Any:
        loading.set()
        assert go_on.wait(10)
        return load_predictor(onnx, manifest)

    shop.cache._load_predictor = slow
    loader = threading.Thread(target=shop.serving)
    loader.start()
    assert loading.wait(10)
    assert shop.serving() == FIRST
    go_on.set()
    loader.join()
    assert shop.serving() == SECOND


def test_only_errors_of_the_tree_come_out() -> None:
    shop = Shop()
    shop.store.put(layout.model_manifest(MODEL, FIRST), b"[]")
    with pytest.raises(TidemillError):
        shop.serving()


# a challenger beside the champion ---------------------------------------------------------------------------


def challenge(shop: Shop, version: str = SECOND, revision: int = 2, **changes: Any) -> None:
    route = Route(MODEL, FIRST, version, "canary", 0.5, revision=revision)
    shop.store.put(layout.route(MODEL), replace(route, **changes).encode())
    shop.clock.advance(5)


def trial(shop: Shop) -> str | None:
    found = shop.cache.champion(MODEL).trial
    return None if found is None else found.challenger.version


def refusals(shop: Shop) -> list[Refusal]:
    told: list[Refusal] = []
    shop.cache.refusals.tell(told.append)
    return told


def test_a_challenger_is_loaded_beside_the_champion_and_leaves_with_its_trial() -> None:
    shop = Shop()
    assert trial(shop) is None
    challenge(shop)
    assert (shop.serving(), trial(shop)) == (FIRST, SECOND)
    assert shop.cache.is_warm(MODEL, SECOND)
    shop.reads.clear()
    challenge(shop, share=0.9, revision=3)
    found = shop.cache.champion(MODEL).trial
    assert found is not None
    assert (found.route.share, found.route.revision) == (0.9, 3)
    penguins.route(shop.store, SECOND, FIRST)
    shop.clock.advance(5)
    assert (shop.serving(), trial(shop)) == (SECOND, None)
    assert shop.reads == [f"{layout.route(MODEL)}?"] * 2


def test_a_version_by_number_has_no_trial() -> None:
    shop = Shop()
    challenge(shop)
    shop.serving()
    assert [shop.cache.version(MODEL, version).trial for version in (FIRST, SECOND)] == [None, None]


def test_a_challenger_that_cannot_be_served_takes_no_part_and_the_refusal_is_told_once() -> None:
    shop = Shop()
    spoil(shop, penguins.classifier(2))
    challenge(shop)
    assert (shop.serving(), trial(shop)) == (FIRST, None)
    (refusal,) = refusals(shop)
    assert (refusal.version, refusal.serving, refusal.revision) == (SECOND, FIRST, 2)
    assert "does not match the hash" in refusal.reason
    shop.clock.advance(60)
    shop.serving()
    assert refusals(shop) == []
    challenge(shop, revision=3)
    shop.serving()
    assert [each.revision for each in refusals(shop)] == [3]
    penguins.classifier(2).store(shop.store)
    shop.clock.advance(60)
    assert (shop.serving(), trial(shop)) == (FIRST, SECOND)


def test_a_challenger_that_wants_what_the_champion_is_not_asked_takes_no_part() -> None:
    shop = Shop()
    second = penguins.classifier(2)
    features = (*penguins.FEATURES[:-1], replace(penguins.FEATURES[-1], name="light"))
    strange = replace(second.manifest, schema=penguins.schema(features=features))
    Version(strange, second.files).store(shop.store)
    shop.cache._load_predictor = lambda onnx, _manifest: load_predictor(onnx, second.manifest)
    challenge(shop)
    assert (shop.serving(), trial(shop)) == (FIRST, None)
    assert "its feature 'light' is none of theirs" in refusals(shop)[0].reason
    shop.reads.clear()
    shop.clock.advance(60)
    assert trial(shop) is None
    assert shop.reads == [f"{layout.route(MODEL)}?"]


def test_a_champion_that_is_refused_is_told_with_who_goes_on() -> None:
    shop = Shop()
    shop.serving()
    spoil(shop, penguins.classifier(2))
    penguins.route(shop.store, SECOND, FIRST)
    shop.clock.advance(5)
    shop.serving()
    assert [(each.version, each.serving) for each in refusals(shop)] == [(SECOND, FIRST)]
    fresh = ModelCache(shop.store, load_predictor)
    fresh.champion(MODEL)
    told: list[Refusal] = []
    fresh.refusals.tell(told.append)
    assert [(each.version, each.serving) for each in told] == [(SECOND, FIRST)]


def test_a_store_out_of_reach_refuses_nobody() -> None:
    shop = Shop()
    shop.serving()
    challenge(shop)
    shop.away = True
    shop.serving()
    assert refusals(shop) == []


def test_a_refusal_that_the_journal_cannot_take_is_told_later() -> None:
    shop = Shop()
    spoil(shop, penguins.classifier(2))
    challenge(shop)
    shop.serving()

    def away(_refusal: Refusal) -> None:
        raise Transient("the store is away.")

    shop.cache.refusals.tell(away)
    assert len(refusals(shop)) == 1
    assert refusals(shop) == []


# memory -----------------------------------------------------------------------------------------------------


def size(version: Version) -> int:
    return IN_MEMORY * len(version.files[ONNX])


def test_what_is_loaded_is_counted() -> None:
    shop = Shop()
    assert shop.cache.size == 0
    shop.serving()
    assert shop.cache.size == size(penguins.classifier(1))
    challenge(shop)
    shop.serving()
    both = size(penguins.classifier(1)) + size(penguins.classifier(2))
    assert shop.cache.size == both
    shop.cache.version(MODEL, SECOND)
    assert shop.cache.size == both


def test_other_versions_leave_before_models_and_the_least_recently_used_first() -> None:
    room = 3 * max(size(penguins.classifier(1)), size(penguins.regression()))
    shop = Shop(memory=room)
    penguins.regression().store(shop.store)
    penguins.route(shop.store, penguins.regression(), model="weights")
    for name in ("3", "4"):
        copy = replace(penguins.classifier(1).manifest, version=name)
        Version(copy, penguins.classifier(1).files).store(shop.store)
    shop.serving()
    for version in ("3", "4", "3"):
        shop.cache.version(MODEL, version)
    assert shop.cache.is_warm(MODEL, "4")
    shop.cache.champion("weights")
    assert [shop.cache.is_warm(MODEL, version) for version in (FIRST, "3", "4")] == [True, True, False]


def test_a_model_leaves_when_it_was_used_least_and_comes_back_when_asked() -> None:
    shop = Shop(memory=1)
    penguins.regression().store(shop.store)
    penguins.route(shop.store, penguins.regression(), model="weights")
    shop.serving()
    shop.clock.advance(1)
    shop.cache.champion("weights")
    assert shop.cache.models == ("weights",)
    assert shop.serving() == FIRST
    assert shop.cache.models == (MODEL,)
