"""Arrow arrays of Python's and numpy's values and back, by their buffers.

`pa.array` and `to_numpy` look whether something of pandas is meant, and import it for that where it is installed: 40 MB
and a fifth of a second that nothing here has a use for.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from .arrow import TEXT


def texts(values: Sequence[str]) -> pa.Array:
    """Few texts, none of them null.

    >>> texts(["a", "", "déjà"]).to_pylist()
    ['a', '', 'déjà']
    """
    encoded = [value.encode() for value in values]
    offsets = np.array([0, *accumulate(map(len, encoded))], np.int32)
    return pa.Array.from_buffers(TEXT, len(encoded), [None, pa.py_buffer(offsets), pa.py_buffer(b"".join(encoded))])


def numbers(values: NDArray[Any]) -> pa.Array:
    """Numbers [n] of any width, without a copy if they lie together; NaN stays NaN.

    >>> numbers(np.arange(6, dtype=np.int32)[::2]).to_pylist()
    [0, 2, 4]
    """
    together = np.ascontiguousarray(values)
    return pa.Array.from_buffers(pa.from_numpy_dtype(values.dtype), len(values), [None, pa.py_buffer(together)])


def mask(values: NDArray[np.bool_]) -> pa.Array:
    """Truth values [n].

    >>> mask(np.array([True, False, True])).to_pylist()
    [True, False, True]
    """
    return pa.Array.from_buffers(pa.bool_(), len(values), [None, pa.py_buffer(np.packbits(values, bitorder="little"))])


def coded(values: NDArray[np.object_], names: Sequence[str]) -> pa.DictionaryArray:
    """Texts [n] that are all among `names`, by their places there.

    >>> coded(np.array(["no", "yes", "no"], object), ["yes", "no"]).to_pylist()
    ['no', 'yes', 'no']
    """
    where = {name: place for place, name in enumerate(names)}
    places = np.fromiter(map(where.__getitem__, values.tolist()), np.int32, len(values))
    return pa.DictionaryArray.from_arrays(numbers(places), texts(names))


def to_numpy(values: pa.Array) -> NDArray[Any]:
    """Numbers [n] without a null, read-only and without a copy; truth values as bool.

    >>> to_numpy(pa.array([1, 2, 3], pa.int32())[1:]).tolist(), to_numpy(pa.array([True, False])).tolist()
    ([2, 3], [True, False])
    """
    if values.null_count:
        raise ValueError("numbers with nulls have no place in a numpy array of their type.")
    if values.type == pa.bool_():
        return to_numpy(values.cast(pa.uint8())).view(np.bool_)
    found: NDArray[Any] = np.frombuffer(values.buffers()[1], values.type.to_pandas_dtype())
    return found[values.offset : values.offset + len(values)]
