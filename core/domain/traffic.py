"""Who answers a request while a challenger stands beside the champion: a pure function of the route and of a key.

The key is hashed to a point between 0 and 1, and the challenger has the points below its share. So a key stays with its
version on every process and machine, and when the share grows those who had the challenger keep it. The challenger's
own version salts the hash: with another challenger, others are the first.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Literal

from .route import Route

Role = Literal["champion", "challenger", "shadow", "fallback", "named"]
"""As what a version answered: as one of the two of the route; beside the answer, which the champion gave; as champion
in place of a challenger that failed; because the request named it."""

_RANGE = 2**64


def point(salt: str, key: str) -> float:
    """Where `key` lies between 0 and 1 (not inclusive); independent for each `salt`.

    BLAKE2b (RFC 7693), 8 bytes, of the UTF-8 of salt, a zero byte and key, read as a big-endian number.

    >>> round(point("churn", "customer-7"), 5)
    0.92294
    """
    digest = blake2b(f"{salt}\0{key}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") / _RANGE


def gets_challenger(route: Route, key: str) -> bool:
    """Whether the challenger answers `key`: never in mode direct or shadow, else for the route's share of keys."""
    if route.challenger is None or route.mode not in {"canary", "ab"}:
        return False
    return point(f"{route.model}/{route.challenger}", key) < route.share
