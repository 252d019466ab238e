"""Rollouts: who runs what, for ever the same for a device; growing a share takes in devices and leaves out none."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import Corrupt, Refused, Unsupported
from edge.envelope import Envelope
from edge.rollout import ROLLOUT_KIND, Rollout, Stage, bucket
from edge.signing import SigningKey
from edge.trust import Trust

ROOT, KEY = SigningKey.generate(), SigningKey.generate()
TRUST = Trust.issue(1, [ROOT.public], [KEY.public], [], [ROOT])
OLD, NEW, OTHER = (f"{n:010d}-0f3a5c2e9b1d" for n in (1, 2, 3))
PLACES = [59.425036, 19.35029, 4.36215]
devices = st.text("abcdefgh0123456789-", min_size=1, max_size=20)


def rollout(*stages, withdrawn=(), number=1):
    return Rollout.issue("pumps", number, stages, withdrawn, KEY)


def sealed(signers=(KEY,), kind=ROLLOUT_KIND, **changes):
    signed = {**json.loads(rollout(Stage(OLD, 100)).encode())["signed"], **changes}
    return Envelope.seal(kind, signed, signers)


@given(device=devices)
def test_a_device_has_one_place_of_its_own(device):
    assert 0 <= bucket("pumps", device) < 100
    assert bucket("pumps", device) == bucket("pumps", device)


def test_places_are_what_they_were():
    """A device that moved would change its release with each update of the agent."""
    assert [round(bucket("pumps", f"pump-{n}"), 6) for n in range(3)] == PLACES


def test_places_are_even_and_differ_by_model():
    ones = [bucket("pumps", f"device-{n}") for n in range(10_000)]
    others = [bucket("fans", f"device-{n}") for n in range(10_000)]
    for places in (ones, others):
        tenths = [sum(1 for place in places if tenth <= place / 10 < tenth + 1) for tenth in range(10)]
        assert all(900 < count < 1100 for count in tenths)
    both = sum(1 for one, other in zip(ones, others, strict=True) if one < 10 and other < 10)
    assert 60 < both < 140


@given(device=devices, shares=st.lists(st.floats(0, 100), min_size=2, max_size=5).map(sorted))
def test_a_growing_share_takes_in_devices_and_leaves_out_none(device, shares):
    took = [rollout(Stage(NEW, share), Stage(OLD, 100)).release_for(device) == NEW for share in shares]
    assert took == sorted(took)


@given(device=devices)
def test_all_and_nobody_are_meant_so(device):
    assert rollout(Stage(NEW, 100), Stage(OLD, 100)).release_for(device) == NEW
    assert rollout(Stage(NEW, 0), Stage(OLD, 100)).release_for(device) == OLD
    assert rollout(Stage(NEW, 0)).release_for(device) is None


@given(device=devices)
def test_a_ring_runs_it_whatever_the_share(device):
    found = rollout(Stage(NEW, 0, ("canary",)), Stage(OLD, 100))
    assert found.release_for(device, "canary") == NEW
    assert found.release_for(device, "shop") == OLD
    assert found.release_for(device) == OLD


@given(device=devices)
def test_a_withdrawn_release_runs_nowhere(device):
    found = rollout(Stage(NEW, 100, ("canary",)), Stage(OLD, 100), withdrawn=[NEW])
    assert found.release_for(device, "canary") == OLD
    assert found.names(OLD)
    assert not found.names(NEW)
    assert not found.names(OTHER)


def test_a_document_is_read_as_it_was_written_and_counts_by_its_signature():
    found = rollout(Stage(NEW, 12.5, ("canary",)), Stage(OLD, 100), withdrawn=[OTHER], number=7)
    again = Rollout.decode(found.encode())
    assert again == found
    assert (again.model, again.number, again.withdrawn) == ("pumps", 7, (OTHER,))
    assert again.verify(TRUST) == KEY.id


def test_a_root_a_stranger_and_a_revoked_key_roll_nothing_out():
    for signer in (ROOT, SigningKey.generate()):
        with pytest.raises(Refused, match=signer.id):
            Rollout.decode(sealed([signer])).verify(TRUST)
    revoked = TRUST.followed_by(Trust.issue(2, [ROOT.public], [KEY.public], [KEY.id], [ROOT]).data)
    with pytest.raises(Refused, match=KEY.id):
        rollout(Stage(OLD, 100)).verify(revoked)


def test_what_was_signed_as_something_else_is_refused():
    with pytest.raises(Refused, match="does not match"):
        Rollout.decode(sealed(kind="application/json")).verify(TRUST)


@pytest.mark.parametrize(
    "changes",
    [
        {"number": 0},
        {"number": "1"},
        {"model": None},
        {"releases": None},
        {"releases": [{"release": "../x", "percent": 1, "rings": []}]},
        {"releases": [{"release": OLD, "percent": 101, "rings": []}]},
        {"releases": [{"release": OLD, "percent": True, "rings": []}]},
        {"releases": [{"release": OLD, "percent": "1", "rings": []}]},
        {"releases": [{"release": 3, "percent": 1, "rings": []}]},
        {"releases": [{"release": OLD, "rings": []}]},
        {"withdrawn": 3},
        {"format": 0},
    ],
    ids=str,
)
def test_fields_that_cannot_be_are_refused(changes):
    with pytest.raises(Corrupt):
        Rollout.decode(sealed(**changes))


def test_a_newer_format_says_so():
    with pytest.raises(Unsupported, match="update Tidemill"):
        Rollout.decode(sealed(format=2))


DOCUMENT = rollout(Stage(NEW, 10, ("canary",)), Stage(OLD, 100), withdrawn=[OTHER]).encode()


@given(place=st.integers(0, len(DOCUMENT) * 8 - 1))
def test_a_document_with_another_bit_is_refused(place):
    bits = bytearray(DOCUMENT)
    bits[place // 8] ^= 1 << place % 8
    with pytest.raises((Corrupt, Refused, Unsupported)):
        Rollout.decode(bytes(bits)).verify(TRUST)
