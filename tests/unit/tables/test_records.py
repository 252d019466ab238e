from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import BadInput
from core.tables import records
from core.tables.records import blocks, end_of_lines, end_of_quoted_records, ends_in_quotes, record_ends


def quote_state(data: bytes, separator: bytes) -> list[bool]:
    """Whether each byte stands inside quotes, letter by letter (RFC 4180); one opens only where a field starts."""
    inside, starts, state, place = False, True, [], 0
    while place < len(data):
        letter = data[place : place + 1]
        if inside and letter == b'"' and data[place + 1 : place + 2] == b'"':
            state += [True, True]
            place += 2
            continue
        if letter == b'"' and (inside or starts):
            inside, starts = not inside, False
        elif not inside:
            starts = letter in (separator, b"\n", b"\r")
        state.append(inside)
        place += 1
    return state


csv_bytes = st.lists(st.sampled_from([b'"', b",", b"\n", b"a", b"\r"]), max_size=24).map(b"".join)


@settings(deadline=None)
@given(csv_bytes)
def test_records_end_at_line_feeds_outside_quotes(data):
    state = quote_state(data, b",")
    expected = [place for place, letter in enumerate(data) if letter == 10 and not state[place]]
    if b"\n" in data:
        assert record_ends(data, b",").tolist() == expected


@settings(deadline=None)
@given(csv_bytes)
def test_an_open_quote_is_found(data):
    state = quote_state(data, b",")
    assert ends_in_quotes(data, b",") == bool(state and state[-1])


def test_lone_carriage_returns_end_records_where_there_is_no_line_feed():
    assert record_ends(b"a\rb\rc", b",").tolist() == [1, 3]


@settings(deadline=None)
@given(st.binary(max_size=300), st.lists(st.integers(1, 40), min_size=1, max_size=30))
def test_the_cuts_do_not_depend_on_how_the_bytes_come(data, sizes):
    def cut(chunks):
        return list(blocks(iter(chunks), end_of_lines, "f"))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(records, "BLOCK", 16)
        pieces, place = [], 0
        for size in sizes:
            pieces.append(data[place : place + size])
            place += size
        assert cut([*pieces, data[place:]]) == cut([data])
        assert b"".join(block.data for block in cut([data])) == data.removeprefix(records.BOM)


@settings(deadline=None)
@given(st.lists(st.lists(st.text('a",\n', max_size=8), min_size=2, max_size=2), min_size=1, max_size=40))
def test_every_block_is_whole_records(rows):
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(records, "BLOCK", 8)
        found = list(blocks(iter([text.getvalue().encode()]), end_of_quoted_records(b","), "f"))
    read = [row for block in found for row in csv.reader(io.StringIO(block.data.decode(), newline=""))]
    assert read == rows


def test_offsets_are_of_the_source_with_its_byte_order_mark(monkeypatch):
    monkeypatch.setattr(records, "BLOCK", 4)
    found = list(blocks(iter([b"\xef\xbb\xbfab\ncd\nef"]), end_of_lines, "f"))
    assert [(block.data, block.offset, block.last) for block in found] == [
        (b"ab\n", 3, False),
        (b"cd\n", 6, False),
        (b"ef", 9, True),
    ]


def test_a_record_may_be_longer_than_a_block_but_not_than_the_limit(monkeypatch):
    monkeypatch.setattr(records, "BLOCK", 4)
    monkeypatch.setattr(records, "LONGEST_RECORD", 16)
    assert [block.data for block in blocks(iter([b"123456789\n1\n"]), end_of_lines, "f")] == [b"123456789\n1\n"]
    with pytest.raises(BadInput, match=r"'f' has a record longer than .* at byte 2"):
        list(blocks(iter([b"1\n", b"x" * 40]), end_of_lines, "f"))
