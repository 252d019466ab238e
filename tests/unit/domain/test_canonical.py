"""Canonical JSON: equal values have equal bytes."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.canonical import VERSION_LENGTH, canonical_json, content_version, sha256

plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=15,
)


@given(plain)
def test_what_is_written_reads_the_same(value):
    assert json.loads(canonical_json(value)) == value


@given(st.dictionaries(st.text(), plain, max_size=6), st.randoms())
def test_the_order_of_keys_does_not_count(value, random):
    items = list(value.items())
    random.shuffle(items)
    assert canonical_json(dict(items)) == canonical_json(value)
    assert content_version(dict(items)) == content_version(value)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), [float("-inf")], {"a": float("nan")}, "\ud800"])
def test_what_json_cannot_hold_is_refused(value):
    with pytest.raises(ValueError):  # noqa: PT011 - json's own messages differ between Pythons
        canonical_json(value)


@pytest.mark.parametrize("value", [{1, 2}, object(), b"x"])
def test_what_is_no_json_value_is_refused(value):
    with pytest.raises(TypeError):
        canonical_json(value)


def test_known_hashes_do_not_change():
    """Keys of stored objects are made of these."""
    assert sha256(b"") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert canonical_json({"b": [1, 2.0, None], "a": "é"}) == '{"a":"é","b":[1,2.0,null]}'.encode()
    assert content_version({"b": [1, 2.0, None], "a": "é"}) == "32d7e98398accadd"
    assert len(content_version("x")) == VERSION_LENGTH
