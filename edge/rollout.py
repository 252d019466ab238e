"""Which devices are to run which release: signed documents, numbered, the newest one counts."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from core.errors import Corrupt
from core.layout import RELEASE_ID

from .envelope import Envelope
from .signing import SigningKey
from .stored import FORMAT
from .trust import Trust

ROLLOUT_KIND = "application/vnd.tidemill.edge.rollout+json"
WHOLE = 100


def bucket(model: str, device: str) -> float:
    """Where a device stands among all, 0 <= bucket < 100, evenly and for ever.

    It is another place for each model, so that no device is the first with every model.
    """
    digest = hashlib.sha256(f"{model}\n{device}".encode()).digest()
    return int.from_bytes(digest[:4], "big") / 2**32 * WHOLE


@dataclass(frozen=True, slots=True)
class Stage:
    """How far a release is rolled out: to the devices of `rings`, and to `percent` of all others."""

    release: str
    percent: float = 0
    rings: tuple[str, ...] = ()

    def takes(self, place: float, ring: str) -> bool:
        """Whether a device at `place` (see `bucket`), of this ring, is to run the release."""
        return ring in self.rings or place < self.percent

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values; `from_json` is the inverse."""
        return {"release": self.release, "percent": self.percent, "rings": list(self.rings)}

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> Stage:
        """Rebuild a stage; raises ValueError, KeyError or TypeError if it is none."""
        release, percent, rings = fields["release"], fields["percent"], fields["rings"]
        if not RELEASE_ID.fullmatch(release):
            raise ValueError(f"{release!r} is no release")
        if type(percent) not in {int, float} or not 0 <= percent <= WHOLE:
            raise ValueError(f"{percent!r} is no percentage")
        return cls(release, percent, tuple(map(str, rings)))


@dataclass(frozen=True, slots=True)
class Rollout:
    """Document `number` of a model, counted from 1. `releases` has the newest first; `withdrawn` ones run nowhere."""

    model: str
    number: int
    releases: tuple[Stage, ...]
    withdrawn: tuple[str, ...]
    envelope: Envelope = field(repr=False, compare=False)

    @classmethod
    def issue(
        cls, model: str, number: int, releases: Iterable[Stage], withdrawn: Iterable[str], signer: SigningKey
    ) -> Rollout:
        """Write a document, signed by a release key."""
        signed = {
            "format": FORMAT,
            "model": model,
            "number": number,
            "releases": [stage.to_json() for stage in releases],
            "withdrawn": sorted(withdrawn),
        }
        return cls.decode(Envelope.seal(ROLLOUT_KIND, signed, [signer]))

    @classmethod
    def decode(cls, data: bytes) -> Rollout:
        """Read a document, without asking who signed it; raises Corrupt if it is none, Unsupported if a newer one."""
        envelope = Envelope.decode(data, ROLLOUT_KIND, "the rollout")
        try:
            return cls._of(envelope)
        except (KeyError, TypeError, ValueError) as error:
            raise Corrupt(f"the rollout cannot be read: {error!r}.") from error

    def encode(self) -> bytes:
        """The document as it is stored."""
        return self.envelope.data

    def verify(self, trust: Trust) -> str:
        """The id of the key that signed it; raises Refused if that is no release key."""
        return self.envelope.verify(trust.release_keys())

    def release_for(self, device: str, ring: str = "") -> str | None:
        """The release that a device is to run, or None if it is to run none."""
        place = bucket(self.model, device)
        taking = (stage for stage in self.releases if stage.release not in self.withdrawn and stage.takes(place, ring))
        stage = next(taking, None)
        return None if stage is None else stage.release

    def names(self, release: str) -> bool:
        """Whether any device may be asked to run this release."""
        return release not in self.withdrawn and any(stage.release == release for stage in self.releases)

    @classmethod
    def _of(cls, envelope: Envelope) -> Rollout:
        signed = envelope.signed
        model, number = signed["model"], signed["number"]
        if not isinstance(model, str) or type(number) is not int or number < 1:
            raise ValueError(f"{model!r} {number!r}")
        stages = tuple(map(Stage.from_json, signed["releases"]))
        return cls(model, number, stages, tuple(map(str, signed["withdrawn"])), envelope)
