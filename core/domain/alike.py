"""An order of rows in which neighbours are alike.

Trees are answered several times faster for rows that go the same way: a processor guesses each branch from the ones
before, and where rows come at random every second guess is wrong. Each row has a bit a column, on which side of the
column's mean it lies, and rows go by their bits in the order of Gray's code (F. Gray, US patent 2,632,058), in which
neighbours differ in one bit only.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

import numpy as np
from numpy.typing import NDArray

FEW_ROWS = 1_024
"""Fewer rows are left as they are: there is nothing to gain."""

BITS = 16
"""numpy sorts keys of 16 bits in linear time. Columns behind the sixteenth have no say."""

SAMPLE = 1_024
"""Rows that tell where the middle of a column is."""


def like_together(columns: Iterable[NDArray[np.float32]], rows: int) -> NDArray[np.intp] | None:
    """The rows' places [rows] in such an order, by columns [rows] of numbers with NaN for null; None if it is theirs.

    >>> like_together([np.tile(np.array([1, 9], np.float32), 1_024)], 2_048)[[0, 1, -2, -1]].tolist()
    [0, 2, 2045, 2047]
    """
    if rows < FEW_ROWS:
        return None
    key = np.zeros(rows, np.uint16)
    for values in islice(columns, BITS):
        key = (key << np.uint16(1)) | (values > _middle(values))
    return np.argsort(_rank(key), kind="stable")


def places_before(order: NDArray[np.intp]) -> NDArray[np.intp]:
    """What puts rows in `order` back where they were.

    >>> places_before(np.array([2, 0, 1])).tolist()
    [1, 2, 0]
    """
    back = np.empty_like(order)
    back[order] = np.arange(len(order))
    return back


def _middle(values: NDArray[np.float32]) -> np.float32:
    sample = values[:SAMPLE]
    known = sample[~np.isnan(sample)]
    return np.mean(known, dtype=np.float32) if len(known) else np.float32(0)


def _rank(code: NDArray[np.uint16]) -> NDArray[np.uint16]:
    """The place of each code word in Gray's code."""
    for shift in (1, 2, 4, 8):
        code = code ^ (code >> np.uint16(shift))
    return code
