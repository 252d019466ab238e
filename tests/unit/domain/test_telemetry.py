"""Segments as they are unzipped, headed and named, whatever bytes come."""

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.telemetry import (
    HEAD,
    Heading,
    heading_of,
    parse_segment_name,
    segment_name,
    unzipped,
)
from core.errors import BadInput, Corrupt, TooLarge
from tests.telemetry import HEALTH, RELEASE, record, segment

contents = st.lists(st.binary(max_size=3_000), max_size=6)


@given(contents)
def test_members_are_unzipped_as_one(parts: list[bytes]) -> None:
    data = b"".join(gzip.compress(part, mtime=0) for part in parts)
    assert unzipped(data) == b"".join(parts)


@given(contents.filter(any), st.data())
def test_what_is_cut_off_is_found(parts: list[bytes], data: st.DataObject) -> None:
    members = [gzip.compress(part, mtime=0) for part in parts]
    whole, last = b"".join(members), len(members[-1])
    with pytest.raises(Corrupt):
        unzipped(whole[: len(whole) - data.draw(st.integers(1, last - 1))])


@given(st.binary(max_size=200))
def test_whatever_comes_is_content_or_refused(data: bytes) -> None:
    for read in (unzipped, heading_of):
        try:
            read(data)
        except (Corrupt, TooLarge):
            continue


@given(st.integers(0, 5_000), st.integers(0, 5_000))
def test_nothing_is_unzipped_beyond_the_limit(size: int, limit: int) -> None:
    data = gzip.compress(b"0" * size)
    if size > limit:
        with pytest.raises(TooLarge):
            unzipped(data, limit)
    else:
        assert len(unzipped(data, limit)) == size


def test_a_heading_is_read_of_the_beginning_alone() -> None:
    rows = [record("m", "v1", row, {"x": str(hash(row))}) for row in range(4_000)]
    data = segment(rows, health=HEALTH)
    assert len(data) > HEAD
    heading = heading_of(data[:HEAD])
    assert (heading.device, heading.rows, heading.prefix) == ("pi-1", 4_000, f"0000000001-{RELEASE}-")
    assert heading == Heading("pi-1", "north", "canary", RELEASE, "v1", 1, 4_000, dict(HEALTH))


@given(st.integers(0, 10**10 - 1), st.from_regex(r"[0-9a-f]{8}", fullmatch=True))
def test_a_name_says_what_it_was_made_of(sequence: int, ring: str) -> None:
    assert parse_segment_name(segment_name(sequence, RELEASE, ring)) == (sequence, RELEASE, ring)


@pytest.mark.parametrize("name", ["", "1", f"1-{RELEASE}-a", f"0000000001-{RELEASE}", f"0000000001-{RELEASE}-../x"])
def test_another_name_is_no_segments(name: str) -> None:
    with pytest.raises(BadInput, match="segment name"):
        parse_segment_name(name)
