"""Signatures: one key, one kind, one payload; and nothing else passes."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st

from core.errors import BadInput, Refused
from edge.signing import PublicKey, Signature, SigningKey, from_base64, pae, to_base64, verify

KEY, OTHER = SigningKey.generate(), SigningKey.generate()
BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=\n -_"


def test_the_encoding_is_that_of_dsse():
    """The example of the protocol's page."""
    assert pae("http://example.com/HelloWorld", b"hello world") == (
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )


def test_a_key_of_rfc_8032_signs_as_it_says():
    """Section 7.1, test 2: the secret key in PKCS 8, and its public key."""
    secret = bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
    der = bytes.fromhex("302e020100300506032b657004220420") + secret
    pem = f"-----BEGIN PRIVATE KEY-----\n{to_base64(der)}\n-----END PRIVATE KEY-----\n".encode()
    key = SigningKey.from_pem(pem)
    assert key.public.raw.hex() == "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
    assert key.sign("kind", b"payload") == key.sign("kind", b"payload")


@given(kind=st.text(max_size=20), payload=st.binary(max_size=100))
def test_what_is_signed_is_verified_by_its_key(kind, payload):
    signature = KEY.sign(kind, payload)
    assert verify(kind, payload, [signature], [OTHER.public, KEY.public]) == KEY.id
    assert Signature.from_json(signature.to_json()) == signature


@given(
    one=st.tuples(st.text(max_size=9), st.binary(max_size=9)),
    other=st.tuples(st.text(max_size=9), st.binary(max_size=9)),
)
def test_the_encoding_tells_every_two_apart(one, other):
    assert (pae(*one) == pae(*other)) == (one == other)


@given(place=st.integers(0, 64 * 8 - 1))
def test_a_signature_with_another_bit_is_refused(place):
    signature = KEY.sign("kind", b"payload")
    bits = bytearray(signature.signature)
    bits[place // 8] ^= 1 << place % 8
    with pytest.raises(Refused, match=KEY.id):
        verify("kind", b"payload", [Signature(KEY.id, bytes(bits))], [KEY.public])


@pytest.mark.parametrize(("kind", "payload"), [("other", b"payload"), ("kind", b"payloae"), ("kindp", b"ayload")])
def test_a_signature_is_of_one_kind_and_one_payload(kind, payload):
    with pytest.raises(Refused, match="does not match"):
        verify(kind, payload, [KEY.sign("kind", b"payload")], [KEY.public])


def test_one_who_is_unknown_is_refused_and_named():
    with pytest.raises(Refused, match=f"only by {OTHER.id}, and by no key that is trusted: {KEY.id}"):
        verify("kind", b"payload", [OTHER.sign("kind", b"payload")], [KEY.public])
    with pytest.raises(Refused, match="by nobody"):
        verify("kind", b"payload", [], [KEY.public])


def test_a_wrong_signature_is_not_made_good_by_a_right_one():
    wrong = Signature(OTHER.id, KEY.sign("kind", b"payload").signature)
    with pytest.raises(Refused, match=OTHER.id):
        verify("kind", b"payload", [wrong, KEY.sign("kind", b"payload")], [KEY.public, OTHER.public])


@pytest.mark.parametrize("passphrase", ["", "correct horse"])
def test_a_key_is_kept_and_read_again(passphrase):
    pem = KEY.to_pem(passphrase)
    again = SigningKey.from_pem(pem, passphrase)
    assert again.sign("kind", b"payload") == KEY.sign("kind", b"payload")
    assert (b"ENCRYPTED" in pem) == bool(passphrase)


@pytest.mark.parametrize("passphrase", ["", "wrong"])
def test_a_locked_key_wants_its_passphrase(passphrase):
    with pytest.raises(BadInput, match=r"key x .*its passphrase is another"):
        SigningKey.from_pem(KEY.to_pem("correct"), passphrase, "key x")


def test_an_unlocked_key_with_a_passphrase_and_another_kind_of_key_are_refused():
    with pytest.raises(BadInput, match="passphrase"):
        SigningKey.from_pem(KEY.to_pem(), "one too many")
    other = generate_private_key(SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with pytest.raises(BadInput, match="Ed25519"):
        SigningKey.from_pem(other)
    with pytest.raises(BadInput, match="PEM"):
        SigningKey.from_pem(b"nonsense")


def test_a_key_is_nowhere_shown():
    secret = KEY.to_pem().split(b"\n")[1].decode()
    assert secret not in repr(KEY)


def test_a_public_key_is_of_its_id():
    fields = KEY.public.to_json()
    assert PublicKey.from_json(fields) == KEY.public
    with pytest.raises(ValueError, match="not of its id"):
        PublicKey.from_json({**fields, "key": OTHER.id})


@given(data=st.binary(min_size=64, max_size=64))
def test_base64_is_read_back(data):
    assert from_base64(to_base64(data), 64) == data


@given(text=st.text(BASE64, min_size=86, max_size=90) | st.text(max_size=9))
def test_a_text_is_the_base64_of_its_bytes_alone(text):
    """Neither line breaks, nor other paddings, nor bits beyond the last byte: one value has one text."""
    try:
        data = from_base64(text, 64)
    except ValueError:
        return
    assert to_base64(data) == text
