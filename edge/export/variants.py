"""The ways to make a model smaller."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

from .float16 import float16
from .int8 import int8
from .pruned import pruned


def full(data: bytes) -> Iterator[bytes]:
    """The model as it is."""
    yield data


VARIANTS: Mapping[str, Callable[[bytes], Iterator[bytes]]] = MappingProxyType(
    {"full": full, "float16": float16, "int8": int8, "pruned": pruned}
)
"""Name -> what makes the variant of a model's bytes: one or more, the smallest first.

Each raises Refused, before it yields any, where the model has nothing to gain by it.
"""
