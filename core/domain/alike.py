"""An order of rows in which neighbours are alike.

Trees are answered several times faster for rows that go the same way: a processor guesses each branch from the ones
before, and where rows come at random every second guess is wrong. Each row has two bits a column: on which side of the
column's mean it lies, and whether it lies between the quartiles. Rows go by their bits, means before quartiles, in the
order of Gray's code (F. Gray, US patent 2,632,058), in which neighbours differ in one bit only.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

FEW_ROWS = 1_024
"""Fewer rows are left as they are: there is nothing to gain."""

COLUMNS = 16
"""Bits that numpy sorts in linear time. Columns behind the sixteenth have no say."""

SAMPLE = 1_024
"""Rows that tell where the middle of a column is."""


def like_together(columns: Iterable[NDArray[Any]], rows: int) -> NDArray[np.intp] | None:
    """The rows' places [rows] in such an order, by columns [rows] of numbers with NaN for null; None if it is theirs.

    >>> like_together([np.tile(np.array([1, 9], np.float32), 1_024)], 2_048)[[0, 1, -2, -1]].tolist()
    [0, 2, 2045, 2047]
    """
    if rows < FEW_ROWS:
        return None
    sides, middles = np.zeros(rows, np.uint32), np.zeros(rows, np.uint32)
    for values in islice(columns, COLUMNS):
        low, mean, high = _middle(values)
        sides = (sides << np.uint32(1)) | (values > mean)
        middles = (middles << np.uint32(1)) | ((values > low) & (values < high))
    return _sorted(_rank((sides << np.uint32(COLUMNS)) | middles))


def places_before(order: NDArray[np.intp]) -> NDArray[np.intp]:
    """What puts rows in `order` back where they were.

    >>> places_before(np.array([2, 0, 1])).tolist()
    [1, 2, 0]
    """
    back = np.empty_like(order)
    back[order] = np.arange(len(order))
    return back


def _middle(values: NDArray[Any]) -> tuple[np.float32, np.float32, np.float32]:
    """First quartile, mean and third quartile of a sample from the whole column; zeros if it says nothing."""
    sample = values[:: len(values) // SAMPLE]
    known = sample[~np.isnan(sample)].astype(np.float32)
    if not len(known):
        return np.float32(0), np.float32(0), np.float32(0)
    low, high = np.percentile(known, (25, 75))
    return np.float32(low), np.mean(known), np.float32(high)


def _rank(code: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """The place of each code word in Gray's code."""
    for shift in (1, 2, 4, 8, 16):
        code = code ^ (code >> np.uint32(shift))
    return code


def _sorted(keys: NDArray[np.uint32]) -> NDArray[np.intp]:
    """The places of the keys in their order, by half a key at a time: numpy sorts 16 bits in linear time."""
    by_low = np.argsort(keys.astype(np.uint16), kind="stable")
    high = (keys >> np.uint32(16)).astype(np.uint16)
    return by_low[np.argsort(high[by_low], kind="stable")]
