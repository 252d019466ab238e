"""Whose signatures count: a chain of documents, each signed by a root of the one before.

The roles are those of The Update Framework (https://theupdateframework.github.io/specification/latest/): roots, kept
offline, say which keys may sign releases and rollouts, and which may not any more.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from core.errors import Corrupt, Refused

from .envelope import Envelope
from .signing import PublicKey, SigningKey
from .stored import FORMAT

TRUST_KIND = "application/vnd.tidemill.edge.trust+json"


@dataclass(frozen=True, slots=True)
class Trust:
    """Document `number`, counted from 1. `roots` sign the next one, `keys` releases and rollouts, `revoked` nothing.

    `data` is the document as it is stored.
    """

    number: int
    roots: tuple[PublicKey, ...]
    keys: tuple[PublicKey, ...]
    revoked: frozenset[str]
    data: bytes = field(repr=False, compare=False)

    @classmethod
    def issue(
        cls,
        number: int,
        roots: Iterable[PublicKey],
        keys: Iterable[PublicKey],
        revoked: Iterable[str],
        signers: Iterable[SigningKey],
    ) -> Trust:
        """Write a document: `signers` must have a root of its own and, behind the first, one of the document before."""
        signed = {
            "format": FORMAT,
            "number": number,
            "roots": [key.to_json() for key in roots],
            "keys": [key.to_json() for key in keys],
            "revoked": sorted(revoked),
        }
        return cls.decode(Envelope.seal(TRUST_KIND, signed, signers))

    @classmethod
    def decode(cls, data: bytes) -> Trust:
        """Read a document that is trusted for where it came from; it must be signed by a root of its own.

        Raises Corrupt if it is none, Unsupported if it is of a newer format, Refused if no root of its own signed it.
        """
        envelope = Envelope.decode(data, TRUST_KIND, "the trust document")
        trust = cls._of(envelope)
        envelope.verify(trust.signing_roots())
        return trust

    def followed_by(self, data: bytes) -> Trust:
        """The next document, which takes this one's place.

        Raises Refused if it is not the next one, is not signed by a root of this one and by one of its own, or takes a
        revocation back; Corrupt or Unsupported if it cannot be read.
        """
        following = Trust.decode(data)
        if following.number != self.number + 1:
            raise Refused(
                f"trust document {following.number} does not follow {self.number}: each is taken in its turn."
            )
        Envelope.decode(data, TRUST_KIND, "the trust document").verify(self.signing_roots())
        if not self.revoked <= following.revoked:
            raise Refused(f"trust document {following.number} takes a revocation back, which none may.")
        return following

    def release_keys(self) -> tuple[PublicKey, ...]:
        """The keys whose releases and rollouts count."""
        return tuple(key for key in self.keys if key.id not in self.revoked)

    def signing_roots(self) -> tuple[PublicKey, ...]:
        """The keys whose next trust document counts."""
        return tuple(key for key in self.roots if key.id not in self.revoked)

    @classmethod
    def _of(cls, envelope: Envelope) -> Trust:
        try:
            signed = envelope.signed
            number, revoked = signed["number"], frozenset(map(str, signed["revoked"]))
            roots, keys = (tuple(map(PublicKey.from_json, signed[role])) for role in ("roots", "keys"))
        except (KeyError, TypeError, ValueError) as error:
            raise Corrupt(f"the trust document cannot be read: {error!r}.") from error
        if type(number) is not int or number < 1:
            raise Corrupt(f"the trust document has number {str(number)[:20]}, which never was.")
        return cls(number, roots, keys, revoked, envelope.data)
