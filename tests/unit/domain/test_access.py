"""API keys: made once, kept as hashes, replaced and taken back."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.access import FORMAT, KeyRing, new_key
from core.errors import Corrupt, NotFound

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def make(key_id="0f3a", secret="secret", models=None, expires=None):
    return new_key(key_id, secret, "shop", models, NOW, expires)


def test_a_key_is_found_and_what_is_kept_does_not_hold_it():
    kept, text = make(secret="very-secret")
    ring = KeyRing().with_key(kept)
    assert ring.find(text, NOW) == kept
    assert "very-secret" not in ring.encode()
    assert text == "tm_0f3a_very-secret"


@given(st.text())
def test_nothing_else_is_a_key(presented):
    assert KeyRing().with_key(make()[0]).find(presented, NOW) is None


def test_several_keys_are_valid_until_one_is_taken_back():
    (old, old_text), (new, new_text) = make("1"), make("2", "other")
    ring = KeyRing().with_key(old).with_key(new)
    assert (ring.find(old_text, NOW), ring.find(new_text, NOW)) == (old, new)
    rest = ring.without("1")
    assert (rest.find(old_text, NOW), rest.find(new_text, NOW)) == (None, new)
    with pytest.raises(NotFound, match="no API key '1'"):
        rest.without("1")


def test_a_key_expires():
    kept, text = make(expires=NOW + timedelta(days=1))
    ring = KeyRing.decode(KeyRing().with_key(kept).encode())
    assert ring.find(text, NOW + timedelta(hours=23)) == kept
    assert ring.find(text, NOW + timedelta(days=1)) is None


@given(st.lists(st.tuples(st.text(), st.text(), st.none() | st.lists(st.text())), max_size=4))
def test_a_ring_reads_as_it_was_written(made):
    ring = KeyRing()
    for key_id, secret, models in made:
        ring = ring.with_key(make(key_id, secret, models, NOW)[0])
    assert KeyRing.decode(ring.encode()) == ring


KEPT = {"id": "1", "name": "n", "hash": "h", "models": None, "created": "2026-11-24T12:00:00+00:00"}


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "[]",
            "null",
            '{"format": 1}',
            '{"format": 1, "keys": [{}]}',
            '{"format": 1, "keys": [{"id": 1, "x": 2}]}',
        ),
        json.dumps({"format": 1, "keys": [{**KEPT, "expires": "tomorrow"}]}),
        json.dumps({"format": 1, "keys": [{**KEPT, "expires": "2027-01-01T00:00:00"}]}),
    ],
)
def test_what_are_no_keys_is_corrupt(text):
    with pytest.raises(Corrupt, match="cannot be read"):
        KeyRing.decode(text)


def test_a_newer_format_is_refused_with_its_mend():
    with pytest.raises(Corrupt, match="update Tidemill"):
        KeyRing.decode(json.dumps({"format": FORMAT + 1, "keys": []}))
