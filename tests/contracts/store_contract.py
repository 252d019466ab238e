"""What every object store does, written once; each adapter's test module inherits it and gives a `store` fixture."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import islice

import pytest

from core.errors import AlreadyExists, BadInput, NotFound, Unsupported, VersionMismatch
from core.ports import ObjectInfo, ObjectStore

ODD_KEYS = (
    "plain.csv",
    "with space.csv",
    "a+b.csv",
    "100%.csv",
    "%2F%41.csv",
    "ünïcödé/日本.csv",
    "e\u0301.csv",
    "emoji 😀.csv",
    "wide～.csv",
    "q?x=1&y=2#z.csv",
    "semi;colon:comma,.csv",
    "quote'\".csv",
    "(paren) [bracket] {brace}.csv",
    "tilde~!@$^*=|<>`.csv",
    ".hidden/.file",
    "dots..in...name",
)
BAD_KEYS = (
    "",
    "/",
    "/lead",
    "trail/",
    "a//b",
    ".",
    "..",
    "../x",
    "a/../../x",
    "a/./b",
    "nul\0",
    "line\n",
    "back\\slash",
)
MEGABYTE = 1 << 20


def keys(infos: Iterator[ObjectInfo]) -> list[str]:
    return [info.key for info in infos]


class ReadsAndWrites:
    """Every verb that needs no atomic condition: what any scheme can do."""

    modified_tolerance = timedelta(seconds=5)

    def test_put_then_get(self, store: ObjectStore) -> None:
        info = store.put("m/rows/a.csv", b"hello")
        blob = store.get("m/rows/a.csv")
        assert blob.data == b"hello"
        assert (info.key, info.size, info.version) == ("m/rows/a.csv", 5, blob.info.version)
        assert blob.info == store.head("m/rows/a.csv")
        assert blob.info.size == len(blob.data)

    def test_modified_is_now_in_utc(self, store: ObjectStore) -> None:
        store.put("k", b"x")
        modified = store.head("k").modified
        assert modified.utcoffset() == timedelta(0)
        assert abs(datetime.now(UTC) - modified) < self.modified_tolerance

    def test_put_overwrites(self, store: ObjectStore) -> None:
        first = store.put("k", b"one")
        second = store.put("k", b"three")
        assert store.get("k").data == b"three"
        assert first.version != second.version

    def test_version_is_new_with_every_content_of_one_size(self, store: ObjectStore) -> None:
        versions = [store.put("k", str(n).encode()).version for n in range(10, 30)]
        assert len(set(versions)) == len(versions)

    def test_version_stays_while_nothing_is_written(self, store: ObjectStore) -> None:
        version = store.put("k", b"x").version
        store.put("other", b"y")
        assert store.get("k").info.version == version == store.head("k").version == next(store.list("k")).version

    def test_empty_object(self, store: ObjectStore) -> None:
        store.put("empty", b"")
        assert store.get("empty").data == b""
        assert store.head("empty").size == 0
        assert list(store.stream("empty")) in ([], [b""])
        assert store.get_range("empty", 0, 10) == b""
        assert keys(store.list("")) == ["empty"]

    @pytest.mark.parametrize(
        ("start", "length", "expected"),
        [
            (0, 10, b"0123456789"),
            (0, 1, b"0"),
            (9, 1, b"9"),
            (3, 4, b"3456"),
            (8, 100, b"89"),
            (10, 5, b""),
            (11, 5, b""),
            (1000, 5, b""),
            (4, 0, b""),
            (0, 0, b""),
        ],
    )
    def test_range(self, store: ObjectStore, start: int, length: int, expected: bytes) -> None:
        store.put("k", b"0123456789")
        assert store.get_range("k", start, length) == expected

    def test_get_if_changed(self, store: ObjectStore) -> None:
        version = store.put("k", b"one").version
        assert store.get_if_changed("k", version) is None
        store.put("k", b"two")
        changed = store.get_if_changed("k", version)
        assert changed is not None
        assert changed.data == b"two"
        assert store.get_if_changed("k", changed.info.version) is None

    def test_stream(self, store: ObjectStore) -> None:
        data = random.Random(0).randbytes(3 * MEGABYTE + 17)
        version = store.put("k", data).version
        chunks = list(store.stream("k", version))
        assert b"".join(chunks) == data
        assert max(map(len, chunks)) <= 16 * MEGABYTE

    def test_stream_of_another_version_fails_before_the_first_chunk(self, store: ObjectStore) -> None:
        old = store.put("k", b"one").version
        store.put("k", b"two")
        with pytest.raises(VersionMismatch):
            next(iter(store.stream("k", old)))

    def test_a_stream_that_is_left_early_does_no_harm(self, store: ObjectStore) -> None:
        store.put("k", b"x" * (9 * MEGABYTE))
        stream = store.stream("k")
        assert next(iter(stream))
        del stream
        assert store.head("k").size == 9 * MEGABYTE

    @pytest.mark.parametrize(
        "verb",
        [
            lambda store: store.head("absent"),
            lambda store: store.get("absent"),
            lambda store: store.get_range("absent", 0, 1),
            lambda store: store.get_range("absent", 0, 0),
            lambda store: store.get_if_changed("absent", "1"),
            lambda store: list(store.stream("absent")),
            lambda store: list(store.stream("absent", "1")),
        ],
        ids=["head", "get", "get_range", "get_range of nothing", "get_if_changed", "stream", "stream of a version"],
    )
    def test_absent(self, store: ObjectStore, verb: Callable[[ObjectStore], object]) -> None:
        with pytest.raises(NotFound, match="absent"):
            verb(store)

    def test_a_folder_is_no_object(self, store: ObjectStore) -> None:
        store.put("folder/file", b"x")
        for key in ("folder", "folder/file/below"):
            with pytest.raises(NotFound):
                store.get(key)
            with pytest.raises(NotFound):
                store.head(key)
            store.delete(key)
        assert keys(store.list("")) == ["folder/file"]

    def test_delete(self, store: ObjectStore) -> None:
        store.put("a/b/k", b"x")
        store.delete("a/b/k")
        store.delete("a/b/k")
        assert keys(store.list("")) == []
        with pytest.raises(NotFound):
            store.get("a/b/k")

    def test_odd_keys(self, store: ObjectStore) -> None:
        for key in ODD_KEYS:
            store.put(key, key.encode())
        assert keys(store.list("")) == sorted(ODD_KEYS, key=str.encode)
        for key in ODD_KEYS:
            assert store.get(key).data == key.encode()
            assert store.head(key).key == key
            store.delete(key)
        assert keys(store.list("")) == []

    @pytest.mark.parametrize("key", BAD_KEYS)
    def test_bad_keys_are_refused(self, store: ObjectStore, key: str) -> None:
        for verb in (store.get, store.head, store.delete, lambda key: store.put(key, b"x")):
            with pytest.raises(BadInput, match="key"):
                verb(key)

    def test_a_key_too_long_is_refused(self, store: ObjectStore) -> None:
        with pytest.raises(BadInput):
            store.put("é/" * 400, b"x")

    def test_list_in_order_of_utf8_bytes(self, store: ObjectStore) -> None:
        names = ["a", "a-b", "a.b", "a/b", "a/b/c-d", "a/b/c/d", "a0", "b", "é", "日", "Z"]
        wanted = sorted({f"{n}/x" for n in names} | {"m1", "m/1", "m-1"}, key=str.encode)
        for name in random.Random(0).sample(wanted, len(wanted)):
            store.put(name, b"x")
        assert keys(store.list("")) == wanted

    @pytest.mark.parametrize(
        ("prefix", "expected"),
        [
            ("", ["m/a", "m/b/1", "m/b/2", "m/bc", "n/a"]),
            ("m/", ["m/a", "m/b/1", "m/b/2", "m/bc"]),
            ("m/b", ["m/b/1", "m/b/2", "m/bc"]),
            ("m/b/", ["m/b/1", "m/b/2"]),
            ("m/bc", ["m/bc"]),
            ("absent/", []),
            ("m/a/", []),
        ],
    )
    def test_list_by_prefix(self, store: ObjectStore, prefix: str, expected: list[str]) -> None:
        for key in ("m/a", "m/b/1", "m/b/2", "m/bc", "n/a"):
            store.put(key, key.encode())
        infos = list(store.list(prefix))
        assert [info.key for info in infos] == expected
        assert [(info.size, info.version) for info in infos] == [
            (head.size, head.version) for head in map(store.head, expected)
        ]

    @pytest.mark.parametrize(
        ("after", "expected"),
        [
            ("m/a", ["m/b/1", "m/b/2", "m/c"]),
            ("m/b/1", ["m/b/2", "m/c"]),
            ("m/b", ["m/b/1", "m/b/2", "m/c"]),
            ("m/b/10", ["m/b/2", "m/c"]),
            ("m/c", []),
            ("a", ["m/a", "m/b/1", "m/b/2", "m/c"]),
            ("z", []),
        ],
    )
    def test_list_after(self, store: ObjectStore, after: str, expected: list[str]) -> None:
        for key in ("m/a", "m/b/1", "m/b/2", "m/c", "n/a"):
            store.put(key, b"x")
        assert keys(store.list("m/", after)) == expected

    def test_list_over_pages(self, store: ObjectStore) -> None:
        names = [f"p/{n:04d}" for n in range(1005)]
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda name: store.put(name, b"x"), names))
        assert keys(store.list("p/")) == names
        assert keys(islice(store.list("p/", "p/0990"), 5)) == names[991:996]

    def test_put_stream_of_twenty_megabytes(self, store: ObjectStore) -> None:
        chunks = [random.Random(n).randbytes(MEGABYTE) for n in range(20)]
        info = store.put_stream("big", iter(chunks))
        assert info.size == 20 * MEGABYTE
        assert store.head("big").version == info.version
        assert b"".join(store.stream("big")) == b"".join(chunks)

    @pytest.mark.parametrize("sizes", [[], [0], [1, 0, 2], [8 * MEGABYTE] * 2, [16 * MEGABYTE], [8 * MEGABYTE, 1]])
    def test_put_stream_of_any_sizes(self, store: ObjectStore, sizes: list[int]) -> None:
        info = store.put_stream("k", (b"x" * size for size in sizes))
        assert info.size == store.head("k").size == sum(sizes)

    @pytest.mark.parametrize("megabytes", [1, 20])
    def test_an_aborted_put_stream_leaves_nothing(self, store: ObjectStore, megabytes: int) -> None:
        with pytest.raises(ZeroDivisionError):
            store.put_stream("k", _breaks_after(megabytes))
        assert keys(store.list("")) == []
        with pytest.raises(NotFound):
            store.get("k")

    def test_an_aborted_put_stream_leaves_what_was_there(self, store: ObjectStore) -> None:
        store.put("k", b"before")
        with pytest.raises(ZeroDivisionError):
            store.put_stream("k", _breaks_after(20))
        assert store.get("k").data == b"before"


def _breaks_after(megabytes: int) -> Iterator[bytes]:
    for _ in range(megabytes):
        yield b"x" * MEGABYTE
    raise ZeroDivisionError


class Conditions:
    """Create-only and compare-and-swap: what a zone that functions write into needs."""

    def test_create(self, store: ObjectStore) -> None:
        info = store.create("m/k", b"mine")
        assert store.get("m/k").data == b"mine"
        assert store.head("m/k").version == info.version
        with pytest.raises(AlreadyExists, match="m/k"):
            store.create("m/k", b"yours")
        assert store.get("m/k").data == b"mine"
        assert store.head("m/k").version == info.version

    def test_create_of_a_large_object(self, store: ObjectStore) -> None:
        store.create("k", b"x" * (9 * MEGABYTE))
        with pytest.raises(AlreadyExists):
            store.create("k", b"y" * (9 * MEGABYTE))
        assert store.get_range("k", 0, 1) == b"x"

    def test_create_of_an_empty_object(self, store: ObjectStore) -> None:
        store.create("k", b"")
        with pytest.raises(AlreadyExists):
            store.create("k", b"x")

    def test_create_after_delete(self, store: ObjectStore) -> None:
        store.create("a/k", b"one")
        store.delete("a/k")
        store.create("a/k", b"two")
        assert store.get("a/k").data == b"two"

    def test_a_key_may_become_a_folder_once_it_is_deleted_and_back(self, store: ObjectStore) -> None:
        store.put("a", b"file")
        store.delete("a")
        store.put("a/b", b"below")
        store.delete("a/b")
        store.put("a", b"file again")
        assert store.get("a").data == b"file again"

    @pytest.mark.parametrize("key", ODD_KEYS)
    def test_conditions_on_odd_keys(self, store: ObjectStore, key: str) -> None:
        version = store.create(key, b"one").version
        with pytest.raises(AlreadyExists):
            store.create(key, b"two")
        store.replace(key, b"three", version)
        assert store.get(key).data == b"three"

    def test_replace(self, store: ObjectStore) -> None:
        first = store.create("k", b"one")
        second = store.replace("k", b"two", first.version)
        assert store.get("k").data == b"two"
        assert store.head("k").version == second.version != first.version
        with pytest.raises(VersionMismatch, match="k"):
            store.replace("k", b"three", first.version)
        assert store.get("k").data == b"two"

    def test_replace_of_what_was_put(self, store: ObjectStore) -> None:
        store.put("k", b"one")
        store.replace("k", b"two", store.head("k").version)
        store.put("k", b"three")
        store.replace("k", b"four", store.get("k").info.version)
        assert store.get("k").data == b"four"

    def test_replace_of_what_is_absent_or_gone(self, store: ObjectStore) -> None:
        version = store.create("k", b"one").version
        store.delete("k")
        for key in ("k", "never"):
            with pytest.raises(VersionMismatch):
                store.replace(key, b"two", version)
            with pytest.raises(NotFound):
                store.get(key)

    @pytest.mark.parametrize("version", ["0", "1", "nonsense", "5d41402abc4b2a76b9719d911017c592"])
    def test_replace_of_a_version_that_never_was(self, store: ObjectStore, version: str) -> None:
        store.create("k", b"one")
        with pytest.raises(VersionMismatch):
            store.replace("k", b"two", "9" + version)
        assert store.get("k").data == b"one"

    def test_of_24_creates_at_once_exactly_one_wins(self, store: ObjectStore) -> None:
        for round_ in range(5):
            won = _at_once(24, lambda n, key=f"race/{round_}": _creates(store, key, str(n)))
            assert sum(won) == 1
            assert store.get(f"race/{round_}").data == str(won.index(True)).encode()

    def test_eight_writers_increment_200_times(self, store: ObjectStore) -> None:
        store.create("counter", b"0")
        _at_once(8, lambda n: increment(store, "counter", 25))
        assert store.get("counter").data == b"200"


def _at_once(number: int, task: Callable[[int], bool]) -> list[bool]:
    barrier = threading.Barrier(number)

    def run(n: int) -> bool:
        barrier.wait()
        return task(n)

    with ThreadPoolExecutor(number) as pool:
        return list(pool.map(run, range(number)))


def _creates(store: ObjectStore, key: str, data: str) -> bool:
    try:
        store.create(key, data.encode())
    except AlreadyExists:
        return False
    return True


def increment(store: ObjectStore, key: str, times: int) -> bool:
    """Add one, `times` times, by compare-and-swap alone, beside others that do the same."""
    patience = random.Random()
    for _ in range(times):
        while True:
            blob = store.get(key)
            try:
                store.replace(key, str(int(blob.data) + 1).encode(), blob.info.version)
                break
            except VersionMismatch:
                time.sleep(patience.uniform(0, 0.01))
    return True


class StoreContract(ReadsAndWrites, Conditions):
    """All of it."""


class SourceContract(ReadsAndWrites):
    """Of a scheme without conditions: it says so."""

    def test_create_and_replace_say_that_they_cannot(self, store: ObjectStore) -> None:
        with pytest.raises(Unsupported, match="compare-and-swap"):
            store.create("k", b"x")
        version = store.put("k", b"x").version
        with pytest.raises(Unsupported, match="compare-and-swap"):
            store.replace("k", b"y", version)
        assert store.get("k").data == b"x"
