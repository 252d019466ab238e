"""Trust documents: each follows the one before, and none can be skipped, repeated, or written by a stranger."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.canonical import canonical_json
from core.errors import Corrupt, Refused, Unsupported
from edge.envelope import Envelope
from edge.signing import SigningKey
from edge.trust import TRUST_KIND, Trust

ROOT, NEW_ROOT, KEY, NEW_KEY, STRANGER = (SigningKey.generate() for _ in range(5))
FIRST = Trust.issue(1, [ROOT.public], [KEY.public], [], [ROOT])


def following(number=2, roots=(ROOT,), keys=(KEY,), revoked=(), signers=(ROOT,)):
    return Trust.issue(number, [r.public for r in roots], [k.public for k in keys], revoked, signers)


def sealed(signers=(ROOT,), **changes):
    """A document with other fields than `Trust.issue` would write."""
    signed = {**json.loads(FIRST.data)["signed"], **changes}
    return Envelope.seal(TRUST_KIND, signed, signers)


def test_a_document_is_read_as_it_was_written():
    assert Trust.decode(FIRST.data) == FIRST
    assert FIRST.release_keys() == (KEY.public,)


def test_a_new_key_is_followed_to():
    trust = FIRST.followed_by(following(keys=[KEY, NEW_KEY]).data)
    assert trust.number == 2
    assert trust.release_keys() == (KEY.public, NEW_KEY.public)


def test_a_revoked_key_counts_no_more():
    trust = FIRST.followed_by(following(keys=[KEY, NEW_KEY], revoked=[KEY.id]).data)
    assert trust.release_keys() == (NEW_KEY.public,)


def test_a_revocation_cannot_be_taken_back():
    trust = FIRST.followed_by(following(keys=[NEW_KEY], revoked=[KEY.id]).data)
    with pytest.raises(Refused, match="takes a revocation back"):
        trust.followed_by(following(3, keys=[NEW_KEY, KEY]).data)


def test_a_new_root_is_signed_by_the_one_before_and_signs_what_follows():
    trust = FIRST.followed_by(following(roots=[NEW_ROOT], signers=[NEW_ROOT, ROOT]).data)
    assert trust.followed_by(following(3, roots=[NEW_ROOT], signers=[NEW_ROOT]).data).number == 3
    with pytest.raises(Refused, match="no key that is trusted"):
        trust.followed_by(following(3, roots=[ROOT], signers=[ROOT]).data)


def test_a_new_root_that_the_one_before_did_not_sign_is_refused():
    with pytest.raises(Refused, match=ROOT.id):
        FIRST.followed_by(following(roots=[STRANGER], signers=[STRANGER]).data)


def test_a_new_root_must_sign_itself():
    """Who gives the root away must know that it is there: a mistyped one would end all updates."""
    with pytest.raises(Refused, match=NEW_ROOT.id):
        following(roots=[NEW_ROOT], signers=[ROOT])


def test_a_revoked_root_signs_nothing():
    trust = FIRST.followed_by(following(roots=[ROOT, NEW_ROOT], revoked=[ROOT.id], signers=[NEW_ROOT, ROOT]).data)
    assert trust.signing_roots() == (NEW_ROOT.public,)
    with pytest.raises(Refused, match=NEW_ROOT.id):
        trust.followed_by(following(3, roots=[ROOT, NEW_ROOT], revoked=[ROOT.id], signers=[ROOT]).data)


@pytest.mark.parametrize("number", [1, 3, 4, 2**40])
def test_no_number_is_skipped_or_repeated(number):
    with pytest.raises(Refused, match=f"{number} does not follow 1"):
        FIRST.followed_by(following(number).data)


def test_a_document_before_is_refused_as_a_replay():
    trust = FIRST.followed_by(following().data)
    for earlier in (FIRST, following()):
        with pytest.raises(Refused, match="does not follow 2"):
            trust.followed_by(earlier.data)


def test_a_release_key_cannot_change_whom_devices_trust():
    document = sealed([KEY], number=2)
    with pytest.raises(Refused, match=f"only by {KEY.id}"):
        FIRST.followed_by(document)


def test_a_document_of_another_kind_is_none():
    signed = json.loads(FIRST.data)["signed"]
    with pytest.raises(Refused, match="does not match"):
        Trust.decode(Envelope.seal("application/json", signed, [ROOT]))


@pytest.mark.parametrize("format_", [2, 99])
def test_a_newer_format_says_so(format_):
    with pytest.raises(Unsupported, match="update Tidemill"):
        Trust.decode(sealed(format=format_))


@pytest.mark.parametrize("format_", [0, -1, True, 1.0, "1", None])
def test_a_format_that_never_was_is_refused(format_):
    with pytest.raises(Corrupt):
        Trust.decode(sealed(format=format_))


@pytest.mark.parametrize(
    "changes",
    [
        {"number": 0},
        {"number": True},
        {"number": "1"},
        {"roots": [{"key": ROOT.id, "public": "AA=="}]},
        {"roots": 3},
        {"keys": [{"key": "0" * 16, "public": KEY.public.to_json()["public"]}]},
        {"keys": None},
        {"revoked": 3},
    ],
    ids=["zero", "true", "text", "root-too-short", "no-roots", "another-id", "no-keys", "no-revoked"],
)
def test_fields_that_cannot_be_are_refused(changes):
    with pytest.raises(Corrupt):
        Trust.decode(sealed(**changes))


@given(place=st.integers(0, len(FIRST.data) * 8 - 1))
def test_a_document_with_another_bit_is_refused(place):
    bits = bytearray(FIRST.data)
    bits[place // 8] ^= 1 << place % 8
    with pytest.raises((Corrupt, Refused, Unsupported)):
        Trust.decode(bytes(bits))


@given(length=st.integers(0, len(FIRST.data) - 1))
def test_a_document_that_is_cut_off_is_refused(length):
    with pytest.raises(Corrupt):
        Trust.decode(FIRST.data[:length])


@given(
    data=st.binary(max_size=60)
    | st.recursive(st.none() | st.text(max_size=3), st.lists, max_leaves=3).map(canonical_json)
)
def test_what_is_no_document_is_refused(data):
    with pytest.raises(Corrupt):
        Trust.decode(data)


def test_what_is_nested_deeply_or_very_large_is_refused():
    for data in (b"[" * 100_000, b"{" + b'"a":{' * 50_000, b" " * 2_000_000):
        with pytest.raises(Corrupt):
            Trust.decode(data)


def test_the_same_in_another_writing_is_refused():
    """So that no byte of what is stored can change unnoticed."""
    for data in (json.dumps(json.loads(FIRST.data)).encode(), FIRST.data + b"\n", b"\xef\xbb\xbf" + FIRST.data):
        with pytest.raises(Corrupt):
            Trust.decode(data)
