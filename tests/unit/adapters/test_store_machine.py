"""The memory store and the local store do the same, whatever is asked of them in whatever order."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from core.adapters.store_local import LocalStore
from core.adapters.store_memory import MemoryStore
from core.errors import TidemillError
from core.ports import Blob, ObjectInfo, ObjectStore

# No key is a folder of another: on a disk those two cannot be beside each other.
KEYS = st.sampled_from(["a", "a-b", "b/c", "b/c d/ü", "b/d", "c.csv", "z/日"]) | st.sampled_from(["", "../a", "b//c"])
DATA = st.binary(max_size=8)
PREFIXES = st.sampled_from(["", "a", "b", "b/", "b/c", "b/c d/", "z", "nothing/"])
AFTER = st.sampled_from(["", "a", "a-b", "b", "b/c", "b/c d/", "b/d", "zz"])


class Stores(RuleBasedStateMachine):
    """`versions` pairs what each store said of the same write: they differ, and must be accepted alike."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.memory, self.local = MemoryStore(), LocalStore(self.folder / "zone")
        self.versions: list[tuple[str, str]] = [("0", "0")]

    def teardown(self) -> None:
        shutil.rmtree(self.folder)

    def both(self, ask: Callable[[ObjectStore, int], object]) -> None:
        answers = [_answer(ask, store, index) for index, store in enumerate((self.memory, self.local))]
        assert _plain(answers[0]) == _plain(answers[1])
        if isinstance(answers[0], ObjectInfo) and isinstance(answers[1], ObjectInfo):
            self.versions.append((answers[0].version, answers[1].version))

    @rule(key=KEYS, data=DATA)
    def create(self, key: str, data: bytes) -> None:
        self.both(lambda store, _: store.create(key, data))

    @rule(key=KEYS, data=DATA)
    def put(self, key: str, data: bytes) -> None:
        self.both(lambda store, _: store.put(key, data))

    @rule(key=KEYS, chunks=st.lists(DATA, max_size=3))
    def put_stream(self, key: str, chunks: list[bytes]) -> None:
        self.both(lambda store, _: store.put_stream(key, iter(chunks)))

    @rule(key=KEYS, data=DATA, pick=st.integers(0, 1000))
    def replace_some_version(self, key: str, data: bytes, pick: int) -> None:
        pair = self.versions[pick % len(self.versions)]
        self.both(lambda store, index: store.replace(key, data, pair[index]))

    @rule(key=KEYS, data=DATA)
    def replace_the_current_version(self, key: str, data: bytes) -> None:
        self.both(lambda store, _: store.replace(key, data, store.head(key).version))

    @rule(key=KEYS)
    def delete(self, key: str) -> None:
        self.both(lambda store, _: store.delete(key))

    @rule(key=KEYS)
    def read(self, key: str) -> None:
        self.both(lambda store, _: store.head(key))
        self.both(lambda store, _: store.get(key))

    @rule(key=KEYS, start=st.integers(0, 10), length=st.integers(0, 10))
    def get_range(self, key: str, start: int, length: int) -> None:
        self.both(lambda store, _: store.get_range(key, start, length))

    @rule(key=KEYS, pick=st.integers(0, 1000))
    def read_by_version(self, key: str, pick: int) -> None:
        pair = self.versions[pick % len(self.versions)]
        self.both(lambda store, index: store.get_if_changed(key, pair[index]))
        self.both(lambda store, index: b"".join(store.stream(key, pair[index])))

    @rule(prefix=PREFIXES, after=AFTER)
    def list(self, prefix: str, after: str) -> None:
        self.both(lambda store, _: [(info.key, info.size) for info in store.list(prefix, after)])

    @invariant()
    def hold_the_same(self) -> None:
        self.both(lambda store, _: [(info.key, store.get(info.key).data) for info in store.list("")])


def _answer(ask: Callable[[ObjectStore, int], object], store: ObjectStore, index: int) -> object:
    try:
        return ask(store, index)
    except TidemillError as error:
        return type(error)


def _plain(answer: object) -> object:
    if isinstance(answer, ObjectInfo):
        return answer.key, answer.size
    return (answer.data, _plain(answer.info)) if isinstance(answer, Blob) else answer


TestStores = Stores.TestCase
TestStores.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
