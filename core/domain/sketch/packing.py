"""Arrays of numbers as short text, for artefacts that are JSON: a third of the size of digits, and exact."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
from numpy.typing import NDArray

_UNSIGNED = ("u1", "u2", "u4", "u8")


def pack(values: NDArray[Any]) -> str:
    """The type and the little-endian bytes in Base64 (RFC 4648); counts in the narrowest type that holds them.

    >>> pack(np.array([1, 2, 300])), pack(np.array([0.5], np.float32))
    ('u2:AQACACwB', 'f4:AAAAPw==')
    """
    kind = _narrowest(values) if values.dtype.kind in "iu" else f"f{values.dtype.itemsize}"
    return f"{kind}:{base64.b64encode(values.astype(f'<{kind}').tobytes()).decode()}"


def unpack_counts(text: str) -> NDArray[np.int64]:
    """The inverse of `pack` for counts."""
    return _unpack(text).astype(np.int64)


def unpack_floats(text: str) -> NDArray[np.float32]:
    """The inverse of `pack` for numbers, as float32."""
    return _unpack(text).astype(np.float32)


def _unpack(text: str) -> NDArray[Any]:
    kind, _, packed = text.partition(":")
    return np.frombuffer(base64.b64decode(packed, validate=True), dtype=f"<{kind}")


def _narrowest(counts: NDArray[Any]) -> str:
    largest = int(counts.max(initial=0))
    return next(kind for kind in _UNSIGNED if largest <= np.iinfo(kind).max)
