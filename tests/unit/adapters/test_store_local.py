from __future__ import annotations

import errno
import gzip
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.adapters.local_files import ABANDONED
from core.adapters.store_local import CHUNK, TABLE, LocalStore
from core.errors import BadInput, NotFound, TidemillError, Transient, Unsupported, VersionMismatch


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "zone")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "zone"


WRITER = """
import sys
from itertools import count
from pathlib import Path
from core.adapters.store_local import LocalStore

store = LocalStore(Path(sys.argv[1]))
print("ready", flush=True)
for number in count():
    letter = b"abcdefgh"[number % 8 : number % 8 + 1]
    store.put_stream("put", (letter * 65536 for _ in range(32)))
    try:
        store.create(f"created/{number % 50}", letter * 1_000_000)
    except Exception:
        store.delete(f"created/{number % 50}")
    version = store.head("put").version
    store.replace("put", letter * 1_000_000, version)
"""


def test_a_reader_sees_whole_objects_only_however_often_the_writer_is_killed(store: LocalStore, root: Path) -> None:
    seen = 0
    for _ in range(8):
        with subprocess.Popen([sys.executable, "-c", WRITER, str(root)], stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None
            assert writer.stdout.readline() == b"ready\n"
            until = time.monotonic() + 0.15
            while time.monotonic() < until:
                seen += _check_whole(store)
            writer.kill()
        seen += _check_whole(store)
    assert seen > 50
    store.put("put", b"after")  # no lock was left behind
    assert store.get("put").data == b"after"


def _check_whole(store: LocalStore) -> int:
    checked = 0
    for info in store.list(""):
        try:
            blob = store.get(info.key)
        except NotFound:
            continue
        assert len(blob.data) in {2 * CHUNK, 1_000_000}
        assert len(set(blob.data)) == 1
        assert blob.info.size == len(blob.data)
        checked += 1
    return checked


def test_nothing_unfinished_is_in_the_zone(store: LocalStore, root: Path) -> None:
    store.put("m/k", b"x")

    def chunks() -> Iterator[bytes]:
        yield b"half"
        assert [path.name for path in root.rglob("*")] == ["m", "k"]
        yield b"whole"

    store.put_stream("m/k", chunks())
    assert {path.name for path in root.parent.iterdir()} == {"zone", ".zone.tmp"}
    assert [path.name for path in (root.parent / ".zone.tmp").iterdir()] == [".lock"]


def test_what_killed_writers_left_is_swept(root: Path) -> None:
    hidden = root.parent / ".zone.tmp"
    hidden.mkdir()
    old, new = hidden / "old", hidden / "new"
    for path in (old, new):
        path.write_bytes(b"half")
    before = time.time() - ABANDONED - 1
    os.utime(old, (before, before))
    LocalStore(root).put("k", b"x")
    assert not old.exists()
    assert new.exists()


def test_what_a_user_copies_in_is_an_object(store: LocalStore, root: Path, tmp_path: Path) -> None:
    source = tmp_path / "source.csv"
    source.write_bytes(b"one")
    (root / "m").mkdir(parents=True)
    shutil.copy(source, root / "m" / "k.csv")
    version = store.head("m/k.csv").version
    assert store.get("m/k.csv").info.version == version
    source.write_bytes(b"two!")
    shutil.copy(source, root / "m" / "k.csv")
    assert store.head("m/k.csv").version != version
    with pytest.raises(VersionMismatch):
        store.replace("m/k.csv", b"three", version)


def test_a_file_that_is_being_copied_in_is_no_version(store: LocalStore, root: Path) -> None:
    root.mkdir()
    path = root / "k"
    path.write_bytes(b"x" * (2 * CHUNK))
    stream = store.stream("k")
    next(stream)
    with path.open("ab") as file:
        file.write(b"more")
    with pytest.raises(Transient, match="written into while it was read"):
        list(stream)


def test_a_stream_reads_its_version_to_the_end_while_the_object_is_replaced(store: LocalStore) -> None:
    version = store.put("k", b"a" * (3 * CHUNK)).version
    stream = store.stream("k", version)
    first = next(stream)
    store.replace("k", b"b" * (3 * CHUNK), version)
    assert first + b"".join(stream) == b"a" * (3 * CHUNK)


def test_versions_grow_even_when_the_clock_does_not(store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.adapters.local_files.time.time_ns", lambda: 1_700_000_000_000_000_000)
    versions = {store.put("k", b"x").version for _ in range(50)}
    assert len(versions) == 50


def test_a_file_in_the_way_of_a_folder_and_the_other_way_round(store: LocalStore) -> None:
    store.put("a", b"x")
    store.put("b/c", b"x")
    for key in ("a/b", "a/b/c", "b"):
        for write in (store.create, store.put):
            with pytest.raises(Unsupported, match="rename"):
                write(key, b"y")
    assert [info.key for info in store.list("")] == ["a", "b/c"]


def test_a_name_too_long_for_the_file_system(store: LocalStore) -> None:
    store.put("m/k", b"x")
    for verb in (store.get, store.head, lambda key: store.put(key, b"x"), lambda key: store.create(key, b"x")):
        with pytest.raises(BadInput, match="shorten"):
            verb("m/" + "x" * 300)


def test_a_name_that_is_not_utf8_is_told(store: LocalStore, root: Path) -> None:
    root.mkdir()
    (root / os.fsdecode(b"caf\xe9.csv")).write_bytes(b"x")
    with pytest.raises(BadInput, match="not UTF-8"):
        list(store.list(""))


def test_a_name_of_another_system_is_listed_and_refused_when_it_is_read(store: LocalStore, root: Path) -> None:
    root.mkdir()
    (root / "back\\slash.csv").write_bytes(b"x")
    assert [info.key for info in store.list("")] == ["back\\slash.csv"]
    with pytest.raises(BadInput, match="backslash"):
        store.get("back\\slash.csv")


def test_links_that_lead_nowhere_or_in_a_circle_are_no_objects(store: LocalStore, root: Path) -> None:
    store.put("m/k", b"x")
    (root / "m" / "circle").symlink_to(root)
    (root / "m" / "nowhere").symlink_to(root / "nothing")
    (root / "m" / "file").symlink_to(root / "m" / "k")
    assert [info.key for info in store.list("")] == ["m/file", "m/k"]


def test_empty_folders_are_removed_with_their_last_object_but_not_the_zone(store: LocalStore, root: Path) -> None:
    store.put("a/b/c/k", b"x")
    store.put("a/k", b"x")
    store.delete("a/b/c/k")
    assert sorted(path.name for path in (root / "a").iterdir()) == ["k"]
    store.delete("a/k")
    assert list(root.iterdir()) == []


def test_an_error_of_the_callers_own_chunks_stays_what_it_is(store: LocalStore, tmp_path: Path) -> None:
    broken = tmp_path / "broken.gz"
    broken.write_bytes(b"not gzip at all")
    with gzip.open(broken) as chunks, pytest.raises(gzip.BadGzipFile):
        store.put_stream("k", chunks)


@pytest.mark.parametrize(("number", "kind"), [(number, kind) for number, (kind, _) in TABLE.items()])
def test_errors_of_the_system(store: LocalStore, monkeypatch: pytest.MonkeyPatch, number: int, kind: type) -> None:
    def fail(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("core.adapters.store_local.os.link", fail)
    monkeypatch.setattr("core.adapters.local_files.ATTEMPTS", 1)
    with pytest.raises(kind, match="'m/k'") as caught:
        store.create("m/k", b"x")
    assert caught.type is kind
    assert [info.key for info in store.list("")] == []


def test_an_error_that_is_not_in_the_table_is_not_dressed_up(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.EDOM, "strange")

    monkeypatch.setattr("core.adapters.store_local.os.link", fail)
    with pytest.raises(OSError, match="strange") as caught:
        store.create("k", b"x")
    assert not isinstance(caught.value, TidemillError)
