"""API keys: how they look, what is kept of them, and who a key belongs to. A key itself is kept nowhere.

A key is random (256 bits), so a plain SHA-256 of it is as hard to turn back as it is to guess: no slow password hash is
needed (NIST SP 800-63B, section 5.1.2, look-up secrets).
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from ..errors import NotFound
from .artefact import read_artefact
from .canonical import sha256

FORMAT = 1
PREFIX = "tm_"


@dataclass(frozen=True, slots=True)
class Key:
    """What is kept of a key: `id` is its readable part, `hash` the SHA-256 of all of it.

    `models` are those that it opens, None for every one. `expires` is RFC 3339 in UTC, None for never.
    """

    id: str
    name: str
    hash: str
    models: tuple[str, ...] | None
    created: str
    expires: str | None = None

    def is_valid(self, now: datetime) -> bool:
        """Whether it has not expired."""
        return self.expires is None or now < datetime.fromisoformat(self.expires)


@dataclass(frozen=True, slots=True)
class KeyRing:
    """Every key that opens something. Several may be valid for one caller: that is how a key is replaced."""

    keys: tuple[Key, ...] = ()
    format: int = FORMAT

    def encode(self) -> str:
        """The text that is kept."""
        return json.dumps({"format": self.format, "keys": [asdict(key) for key in self.keys]}, indent=1) + "\n"

    @classmethod
    def decode(cls, text: str) -> KeyRing:
        """Read kept text; raises Corrupt if it is no key ring, or of a newer format."""
        return read_artefact(text, "the ring of API keys", FORMAT, cls._of)

    @classmethod
    def _of(cls, fields: Mapping[str, Any]) -> KeyRing:
        return cls(tuple(_key(**key) for key in fields["keys"]))

    def with_key(self, key: Key) -> KeyRing:
        """The ring with one key more."""
        return replace(self, keys=(*self.keys, key))

    def without(self, key_id: str) -> KeyRing:
        """The ring without one key; raises NotFound if it is not there."""
        if all(key.id != key_id for key in self.keys):
            raise NotFound(f"there is no API key {key_id[:80]!r}: `tidemill keys list` shows them.")
        return replace(self, keys=tuple(key for key in self.keys if key.id != key_id))

    def find(self, presented: str, now: datetime) -> Key | None:
        """The valid key that was presented; the time that this takes does not depend on how much of it is right."""
        given, found = sha256(presented.encode()), None
        for key in self.keys:
            if hmac.compare_digest(key.hash, given) and key.is_valid(now):
                found = key
        return found


def new_key(
    key_id: str, secret: str, name: str, models: Iterable[str] | None, created: datetime, expires: datetime | None
) -> tuple[Key, str]:
    """What is kept of a new key, and the key itself, made of a random `key_id` and a random `secret`."""
    text = f"{PREFIX}{key_id}_{secret}"
    opens = None if models is None else tuple(sorted(set(models)))
    until = None if expires is None else expires.isoformat()
    return Key(key_id, name, sha256(text.encode()), opens, created.isoformat(), until), text


def _key(models: list[str] | None, expires: str | None = None, **rest: str) -> Key:
    if expires is not None and datetime.fromisoformat(expires).tzinfo is None:
        raise ValueError(f"{expires} has no time zone")
    return Key(models=None if models is None else tuple(models), expires=expires, **rest)
