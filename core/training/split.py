"""Which rows a model is judged on: the last ones in time, or rows chosen by a stable hash of what they are."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ..domain.learning import Rows
from ..errors import BadInput

_HASH_BYTES = 8


def by_time(times: NDArray[np.int64], holdout: float) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """(training, holdout) row numbers, each in the order of time; the holdout is about that share, and the last.

    Rows of one instant never stand on both sides: the cut is the change of time nearest to the share. Raises BadInput
    if all rows have the same time.

    >>> train, hold = by_time(np.array([5, 1, 3, 3, 3]), 0.4)
    >>> train.tolist(), hold.tolist()
    ([1, 2, 3, 4], [0])
    """
    order = np.argsort(times, kind="stable")
    cuts = np.flatnonzero(np.diff(times[order])) + 1
    if not len(cuts):
        raise BadInput("all rows have the same time, so none is later than the others: use `split: {by: random}`.")
    wanted = len(times) * (1 - holdout)
    cut = cuts[np.argmin(np.abs(cuts - wanted))]
    return order[:cut], order[cut:]


def by_hash(identities: Iterator[bytes], rows: int, holdout: float) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """(training, holdout) row numbers, ascending; a row is in the holdout if the hash of its identity is low.

    So a row keeps its side when other rows join, and equal identities share theirs: what the serving model was judged
    on, the next candidate is judged on too. Where chance puts all of a few rows on one side, the rows with the lowest
    hashes make the holdout.
    """
    hashes = np.fromiter((_hash(identity) for identity in identities), np.uint64, rows)
    held = hashes < np.uint64(int(holdout * 2**64))
    if rows and (held.all() or not held.any()):
        held = hashes <= np.sort(hashes)[int(holdout * (rows - 1))]
    return np.flatnonzero(~held), np.flatnonzero(held)


def identities(rows: Rows, ids: NDArray[np.object_] | None) -> Iterator[bytes]:
    """What tells each row from the others: its id, or else all of its values."""
    if ids is not None:
        return (str(value).encode() for value in ids.tolist())
    return map(_repr, zip(*(values.tolist() for values in (*rows.columns.values(), rows.target)), strict=True))


def _repr(values: tuple[object, ...]) -> bytes:
    """Distinct bytes for distinct values."""
    return repr(values).encode()


def _hash(identity: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(identity, digest_size=_HASH_BYTES).digest(), "big")
