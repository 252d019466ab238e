"""The journal's chain: whatever is altered, left out, added or swapped is found, and where."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain import journal
from core.domain.canonical import sha256
from core.domain.journal import FORMAT, REMEMBERED, Entry, audit
from core.errors import Corrupt

AT = datetime(2026, 11, 24, 9, tzinfo=UTC)
evidence = st.dictionaries(st.text(max_size=5), st.none() | st.integers() | st.text(max_size=5), max_size=3)


def chain(length):
    """`length` entries as stored."""
    stored = []
    for number in range(1, length + 1):
        facts = {"n": number}
        entry = (
            journal.following(stored[-1], f"d{number}", "k", facts, code="c", at=AT)
            if stored
            else journal.first(f"d{number}", "k", facts, code="c", at=AT)
        )
        stored.append(entry.encode())
    return stored


@given(decision=st.text(), kind=st.text(), facts=evidence)
def test_an_entry_reads_as_it_was_written(decision, kind, facts):
    entry = journal.following(chain(3)[-1], decision, kind, facts, code="c", at=AT)
    assert Entry.decode(entry.encode()) == entry


def test_each_entry_holds_the_hash_of_the_one_before():
    first, second = chain(2)
    assert Entry.decode(first).previous == ""
    assert Entry.decode(second).previous == sha256(first)
    assert Entry.decode(second).number == 2
    assert Entry.decode(second).at == "2026-11-24T09:00:00+00:00"


def test_only_the_newest_decisions_are_remembered():
    recent = Entry.decode(chain(REMEMBERED + 5)[-1]).recent
    assert recent == tuple(f"d{number}" for number in range(6, REMEMBERED + 6))


@given(st.integers(min_value=0, max_value=20))
def test_a_whole_chain_is_intact(length):
    found = audit(chain(length))
    assert (found.entries, found.first_break, found.intact) == (length, None, True)


@given(st.data())
def test_an_altered_byte_is_found_where_it_is_or_right_behind(data):
    stored = chain(8)
    at = data.draw(st.integers(0, len(stored) - 2))
    byte = data.draw(st.integers(0, len(stored[at]) - 1))
    flipped = bytearray(stored[at])
    flipped[byte] ^= data.draw(st.integers(1, 255))
    stored[at] = bytes(flipped)
    assert audit(stored).first_break in {at + 1, at + 2}


@given(at=st.integers(0, 6))
def test_a_missing_entry_is_found(at):
    stored = chain(8)
    del stored[at]
    found = audit(stored)
    assert (found.entries, found.first_break, found.intact) == (7, at + 1, False)


@given(one=st.integers(0, 7), other=st.integers(0, 7))
def test_swapped_entries_are_found(one, other):
    stored = chain(8)
    stored[one], stored[other] = stored[other], stored[one]
    assert audit(stored).first_break == (None if one == other else min(one, other) + 1)


def test_an_entry_written_again_with_other_evidence_is_found_behind_it():
    stored = chain(4)
    forged = json.loads(stored[1]) | {"evidence": {"n": 99}}
    stored[1] = json.dumps(forged).encode()
    assert audit(stored).first_break == 3


def test_a_foreign_entry_at_the_end_is_found():
    assert audit([*chain(2), chain(1)[0]]).first_break == 3


def test_a_newer_format_is_refused_with_its_mend():
    newer = json.loads(chain(1)[0]) | {"format": FORMAT + 1, "colour": "red"}
    with pytest.raises(Corrupt, match="update Tidemill"):
        Entry.decode(json.dumps(newer).encode())


@pytest.mark.parametrize("data", [b"", b"[]", b"null", b"{", b'{"format": "1"}', b'{"format": 1}', b"\xff"])
def test_what_is_no_entry_is_corrupt(data):
    with pytest.raises(Corrupt, match="cannot be read"):
        Entry.decode(data)
    assert audit([data]).first_break == 1
