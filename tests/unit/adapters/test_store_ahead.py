"""What serving asks for is fetched beforehand, once, and nothing else differs from the store itself."""

from collections import Counter

import pytest

from core import layout
from core.adapters.store_ahead import ReadAhead
from core.adapters.store_memory import MemoryStore
from core.domain.model import GOLDEN, ONNX
from core.domain.route import Route
from core.errors import NotFound
from core.ports import Blob
from core.runtime import Runtime
from core.settings import Settings
from functions.realtime_inference.handler import service
from tests import penguins
from tests.penguins import MODEL


class Counting(MemoryStore):
    """Counts what is read."""

    def __init__(self) -> None:
        super().__init__()
        self.read: Counter[str] = Counter()

    def get(self, key: str) -> Blob:
        self.read[key] += 1
        return super().get(key)


@pytest.fixture
def store() -> Counting:
    store = Counting()
    for each in (penguins.classifier(1), penguins.classifier(2)):
        each.store(store)
    penguins.route(store, penguins.classifier(1))
    return store


def files(version: str) -> list[str]:
    of = [layout.model_file(MODEL, version, name) for name in (ONNX, GOLDEN)]
    return [layout.model_manifest(MODEL, version), *of]


def test_a_start_reads_each_object_once(store: Counting) -> None:
    runtime = Runtime(
        Settings.from_env({"TIDEMILL_SERVE": MODEL}), stores={"models": store, "predictions": MemoryStore()}
    )
    with runtime.reading_ahead([MODEL]):
        answering = service(runtime)
        answering.start()
    assert store.read == Counter([layout.route(MODEL), *files(penguins.classifier(1).version)])
    assert runtime.store("models") is store


def test_the_challenger_is_fetched_too(store: Counting) -> None:
    first, second = penguins.classifier(1).version, penguins.classifier(2).version
    store.put(layout.route(MODEL), Route.first(MODEL, first, "d").challenged(second, "ab", 0.5, "e").encode())
    ahead = ReadAhead(store, [MODEL])
    read = {key: ahead.get(key).data for key in (layout.route(MODEL), *files(first), *files(second))}
    assert set(store.read.values()) == {1}
    assert read == {key: store.get(key).data for key in read}


def test_what_was_fetched_is_given_once(store: Counting) -> None:
    ahead = ReadAhead(store, [MODEL])
    ahead.get(layout.route(MODEL))
    penguins.route(store, penguins.classifier(2))
    assert Route.decode(ahead.get(layout.route(MODEL)).data).champion == penguins.classifier(2).version


def test_what_cannot_be_fetched_is_told_to_who_asks(store: Counting) -> None:
    store.put(layout.route("odd"), b"no route")
    ahead = ReadAhead(store, ["absent", "odd"])
    with pytest.raises(NotFound):
        ahead.get(layout.route("absent"))
    assert ahead.get(layout.route("odd")).data == b"no route"


def test_what_is_not_asked_for_is_forgotten(store: Counting) -> None:
    ahead = ReadAhead(store, [MODEL])
    ahead.get(layout.route(MODEL))
    for fetch in ahead._fetches.values():
        fetch.join()
    ahead.forget()
    key = layout.model_manifest(MODEL, penguins.classifier(1).version)
    before = store.read[key]
    ahead.get(key)
    assert store.read[key] == before + 1
