"""One way to write JSON and to hash it, so that equal values have equal bytes and equal versions."""

from __future__ import annotations

import hashlib
import json

VERSION_LENGTH = 16
DIGITS = 10
"""Significant digits of stored figures: the last ones of a float64 sum depend on the processor."""


def canonical_json(value: object) -> bytes:
    r"""UTF-8 JSON with sorted keys and no spaces; raises ValueError for NaN and infinities (RFC 8259 has none).

    >>> canonical_json({"b": 1, "a": "é"})
    b'{"a":"\xc3\xa9","b":1}'
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def sha256(data: bytes) -> str:
    """Hexadecimal SHA-256."""
    return hashlib.sha256(data).hexdigest()


def content_version(value: object) -> str:
    """A short version derived from `value`: the first 64 bits of the SHA-256 of its canonical JSON."""
    return sha256(canonical_json(value))[:VERSION_LENGTH]


def rounded(value: float) -> float:
    """To as many digits as are the same on every processor.

    >>> rounded(0.1 + 0.2)
    0.3
    """
    return float(f"{value:.{DIGITS}g}")
