"""Which texts of a column come more than once, in 8 to 10 bytes a row."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Hashes = NDArray[np.int64]

FIRST = 65_536
COMPARED = 1 << 20
"""Hashes that are compared with their neighbours at once."""


class Repeats:
    """Counts by 64-bit hashes: of 10 million texts, two that differ are taken for equal once in 10^5 files."""

    def __init__(self) -> None:
        self._hashes: Hashes = np.empty(FIRST, np.int64)
        self._rows = 0
        self._found: Hashes | None = None

    def add(self, texts: pa.Array) -> None:
        """Take in some more rows; null is a text like any."""
        end = self._rows + len(texts)
        if end > len(self._hashes):
            self._hashes.resize(max(end, len(self._hashes) * 5 // 4), refcheck=False)
        self._hashes[self._rows : end] = _hashed(texts)
        self._rows, self._found = end, None

    def count(self) -> int:
        """How many rows have a text that came before."""
        return len(self._again())

    def example(self, read: Callable[[], Iterator[pa.Array]]) -> str | None:
        """The first text that comes again, of those that `read` gives once more, in the same order."""
        again = np.unique(self._again())
        met: set[str | None] = set()
        for texts in read() if len(again) else ():
            for index in np.flatnonzero(np.isin(_hashed(texts), again)).tolist():
                text = texts[index].as_py()
                if text in met:
                    return str(text)
                met.add(text)
        return None

    def _again(self) -> Hashes:
        """Each hash as often as it came again. All are sorted in place, since a copy is as large as they are."""
        if self._found is None:
            hashes = self._hashes[: self._rows]
            hashes.sort()
            self._found = np.concatenate([_equal_to_next(hashes, at) for at in range(0, max(self._rows, 1), COMPARED)])
        return self._found


def _equal_to_next(ordered: Hashes, start: int) -> Hashes:
    some = ordered[start : start + COMPARED + 1]
    equal: Hashes = some[:-1][some[:-1] == some[1:]]
    return equal


def _hashed(texts: pa.Array) -> Hashes:
    return np.fromiter(map(hash, texts.to_pylist()), np.int64, len(texts))
