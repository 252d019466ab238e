"""Ed25519 signatures (RFC 8032) over DSSE's pre-authentication encoding, which binds the kind of what is signed.

https://github.com/secure-systems-lab/dsse/blob/master/protocol.md

`cryptography` is imported when something is signed or verified, not before.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from core.errors import BadInput, Refused

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

KEY_BYTES = 32
SIGNATURE_BYTES = 64
KEY_ID_LENGTH = 16
_KEY_ID = re.compile(rf"[0-9a-f]{{{KEY_ID_LENGTH}}}")


def pae(kind: str, payload: bytes) -> bytes:
    """DSSE's pre-authentication encoding: what is signed.

    >>> pae("t", b"hello")
    b'DSSEv1 1 t 5 hello'
    """
    name = kind.encode()
    return b"DSSEv1 %d %b %d %b" % (len(name), name, len(payload), payload)


@dataclass(frozen=True, slots=True)
class PublicKey:
    """Whom a signature is by. `raw` is the 32 bytes of RFC 8032."""

    raw: bytes

    @property
    def id(self) -> str:
        """The first 16 hexadecimal digits of the SHA-256 of the raw key."""
        return hashlib.sha256(self.raw).hexdigest()[:KEY_ID_LENGTH]

    def to_json(self) -> dict[str, str]:
        """As plain JSON values; `from_json` is the inverse."""
        return {"key": self.id, "public": to_base64(self.raw)}

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> PublicKey:
        """Rebuild a key; raises ValueError if it is none, or not the one that its id says."""
        key = cls(from_base64(fields["public"], KEY_BYTES))
        if key.id != fields["key"]:
            raise ValueError(f"key {fields['key']!r} is not of its id")
        return key

    def is_signed(self, kind: str, payload: bytes, signature: bytes) -> bool:
        """Whether `signature` is this key's over `payload`, as a `kind`."""
        from cryptography.exceptions import InvalidSignature  # noqa: PLC0415
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415

        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, pae(kind, payload))
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True)
class Signature:
    """The id of the key, and its 64 bytes."""

    key: str
    signature: bytes

    def to_json(self) -> dict[str, str]:
        """As plain JSON values; `from_json` is the inverse."""
        return {"key": self.key, "signature": to_base64(self.signature)}

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> Signature:
        """Rebuild a signature; raises ValueError or TypeError if it is none."""
        if not _KEY_ID.fullmatch(fields["key"]):
            raise ValueError("a signature is by no key")
        return cls(fields["key"], from_base64(fields["signature"], SIGNATURE_BYTES))


@dataclass(frozen=True, slots=True, eq=False)
class SigningKey:
    """A key that signs."""

    _private: Ed25519PrivateKey = field(repr=False)
    public: PublicKey

    @property
    def id(self) -> str:
        """The id of its public key."""
        return self.public.id

    @classmethod
    def generate(cls) -> SigningKey:
        """A new key."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415

        return cls._of(Ed25519PrivateKey.generate())

    @classmethod
    def from_pem(cls, pem: bytes, passphrase: str = "", what: str = "the key") -> SigningKey:
        """Read PKCS 8 (RFC 5958); raises BadInput if it is no Ed25519 key, or locked with another passphrase."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415
        from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415

        try:
            private = load_pem_private_key(pem, passphrase.encode() or None)
        except (ValueError, TypeError) as error:
            raise BadInput(
                f"{what} cannot be read: it is no private key in PEM, or its passphrase is another."
            ) from error
        if not isinstance(private, Ed25519PrivateKey):
            raise BadInput(f"{what} is no Ed25519 key.")
        return cls._of(private)

    @classmethod
    def _of(cls, private: Ed25519PrivateKey) -> SigningKey:
        return cls(private, PublicKey(private.public_key().public_bytes_raw()))

    def to_pem(self, passphrase: str = "") -> bytes:
        """PKCS 8, encrypted where there is a passphrase."""
        from cryptography.hazmat.primitives import serialization as forms  # noqa: PLC0415

        lock = forms.BestAvailableEncryption(passphrase.encode()) if passphrase else forms.NoEncryption()
        return self._private.private_bytes(forms.Encoding.PEM, forms.PrivateFormat.PKCS8, lock)

    def sign(self, kind: str, payload: bytes) -> Signature:
        """Sign `payload` as a `kind`; deterministic."""
        return Signature(self.id, self._private.sign(pae(kind, payload)))


def verify(
    kind: str, payload: bytes, signatures: Iterable[Signature], keys: Iterable[PublicKey], what: str = "the document"
) -> str:
    """The id of the key among `keys` that signed `payload` as a `kind`; `what` names it in sentences.

    Raises Refused if none of them did, or if a signature that is said to be by one of them is not.
    """
    known, found, named = {key.id: key for key in keys}, "", []
    for signature in signatures:
        named.append(signature.key)
        if signature.key in known:
            if not known[signature.key].is_signed(kind, payload, signature.signature):
                raise Refused(
                    f"the signature of {what} by key {signature.key} does not match: one of the two was altered."
                )
            found = found or signature.key
    if not found:
        told = f"only by {', '.join(named)}" if named else "by nobody"
        raise Refused(f"{what} is signed {told}, and by no key that is trusted: {', '.join(known) or 'none is'}.")
    return found


def to_base64(data: bytes) -> str:
    """RFC 4648, section 4."""
    return base64.b64encode(data).decode()


def from_base64(text: str, length: int) -> bytes:
    """Exactly what `to_base64` writes of `length` bytes; raises ValueError for any other text."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, TypeError) as error:
        raise ValueError(f"{text!r} is not base64") from error
    if len(data) != length or to_base64(data) != text:
        raise ValueError(f"{text!r} is not the base64 of {length} bytes")
    return data
