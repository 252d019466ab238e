"""A signed document: `{"signatures":[…],"signed":{…}}` in canonical JSON: no byte of it can change unnoticed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from core.domain.canonical import canonical_json

from .signing import PublicKey, Signature, SigningKey, verify
from .stored import check_format, read_strictly


@dataclass(frozen=True, slots=True)
class Envelope:
    """What was signed as a `kind`, and by whom. `what` names it in sentences; `data` is all of it as it is stored."""

    kind: str
    what: str
    signed: Mapping[str, Any]
    signatures: tuple[Signature, ...]
    data: bytes = field(repr=False)

    @classmethod
    def seal(cls, kind: str, signed: Mapping[str, Any], signers: Iterable[SigningKey]) -> bytes:
        """The bytes of a document, signed once by each of `signers`."""
        payload = canonical_json(signed)
        signatures = [signer.sign(kind, payload).to_json() for signer in signers]
        return canonical_json({"signed": signed, "signatures": signatures})

    @classmethod
    def decode(cls, data: bytes, kind: str, what: str) -> Envelope:
        """Read a stored document, without asking who signed it.

        Raises Corrupt if it is none, Unsupported if it is of a newer format.
        """

        def build(fields: dict[str, Any]) -> Envelope:
            check_format(fields["signed"], what)
            return cls(kind, what, fields["signed"], tuple(map(Signature.from_json, fields["signatures"])), data)

        return read_strictly(data, what, build)

    def verify(self, keys: Iterable[PublicKey]) -> str:
        """The id of the key among `keys` that signed it; raises Refused if none of them did."""
        return verify(self.kind, canonical_json(self.signed), self.signatures, keys, self.what)
