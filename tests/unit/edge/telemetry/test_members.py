from __future__ import annotations

import gzip

from hypothesis import given
from hypothesis import strategies as st

from edge.telemetry.members import member, members


@given(st.lists(st.binary(max_size=200), max_size=5), st.data())
def test_what_is_whole_of_a_file_that_was_cut_off_is_found(contents: list[bytes], data: st.DataObject) -> None:
    parts = [member(each) for each in contents]
    whole = b"".join(parts)
    cut = data.draw(st.integers(0, len(whole)))
    found = list(members(whole[:cut]))
    ends = [sum(map(len, parts[: at + 1])) for at in range(len(parts))]
    assert found == [(end, content) for end, content in zip(ends, contents, strict=True) if end <= cut]


def test_a_flipped_bit_ends_what_is_whole() -> None:
    first, second = member(b"first\n"), bytearray(member(b"second\n" * 50))
    second[-5] ^= 1  # of the checksum, RFC 1952 section 2.3.1
    assert [content for _, content in members(first + bytes(second) + first)] == [b"first\n"]


def test_the_whole_is_gzip() -> None:
    assert gzip.decompress(member(b"a\n") + member(b"b\n")) == b"a\nb\n"
