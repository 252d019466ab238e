from __future__ import annotations

import gzip
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.adapters.store_memory import MemoryStore
from core.errors import BadInput, VersionMismatch
from core.tables.streams import StoredFile, content


def stored(data: bytes):
    store = MemoryStore()
    return store, store.put("m/rows/f", data)


@settings(deadline=None)
@given(st.lists(st.binary(max_size=400), min_size=1, max_size=4))
def test_gzip_members_are_read_one_after_the_other(members):
    store, info = stored(b"".join(map(gzip.compress, members)))
    assert b"".join(content(store, info, compressed=True)) == b"".join(members)


def test_zeros_behind_a_gzip_member_are_padding():
    store, info = stored(gzip.compress(b"abc") + bytes(512))
    assert b"".join(content(store, info, compressed=True)) == b"abc"


def test_what_is_decompressed_comes_in_bounded_chunks():
    store, info = stored(gzip.compress(bytes(64 << 20)))
    sizes = [len(chunk) for chunk in content(store, info, compressed=True)]
    assert sum(sizes) == 64 << 20
    assert max(sizes) <= 1 << 20


def test_gzip_cut_short_anywhere_is_told_as_such():
    whole = gzip.compress(b"a,b\n1,2\n" * 100)
    for end in range(1, len(whole)):
        store, info = stored(whole[:end])
        with pytest.raises(BadInput, match="ends in the middle of its gzip stream"):
            list(content(store, info, compressed=True))


@pytest.mark.parametrize("data", [b"a,b\n1,2\n", b"\x1f\x8b\x08rest is no deflate stream"])
def test_what_is_not_gzip_is_told_as_such(data):
    store, info = stored(data)
    with pytest.raises(BadInput, match="is not gzip, or damaged"):
        list(content(store, info, compressed=True))


def test_a_damaged_checksum_is_found():
    whole = bytearray(gzip.compress(b"a,b\n1,2\n" * 100))
    whole[-6] ^= 1
    store, info = stored(bytes(whole))
    with pytest.raises(BadInput, match="damaged"):
        list(content(store, info, compressed=True))


def test_a_replaced_object_is_not_read_as_the_old_one():
    store, info = stored(b"old")
    store.put(info.key, b"new")
    with pytest.raises(VersionMismatch):
        list(content(store, info, compressed=False))


@settings(deadline=None)
@given(st.binary(max_size=64), st.lists(st.tuples(st.integers(0, 80), st.integers(0, 80)), max_size=12))
def test_a_stored_file_reads_as_a_file_in_memory(data, moves):
    store, info = stored(data)
    ours, theirs = StoredFile(store, info), io.BytesIO(data)
    for place, length in moves:
        assert ours.seek(place) == theirs.seek(place)
        assert ours.read(length) == theirs.read(length)
        assert ours.tell() == theirs.tell()
    assert ours.seek(0, io.SEEK_END) == len(data)


def test_a_stored_file_notices_that_it_was_replaced():
    store, info = stored(b"old")
    file = StoredFile(store, info)
    file.check_version()
    store.put(info.key, b"new")
    with pytest.raises(VersionMismatch, match="was replaced while it was read"):
        file.check_version()
