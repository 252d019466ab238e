"""A file to score, cut into parts: the same ones every time, by its bytes alone, so that work can be named and shared.

Parts of Parquet are known from its footer, and each can be read by itself. Parts of CSV and JSON Lines are met as the
file is read from its start.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

from ..ports import ObjectInfo, Reads
from .formats import format_of
from .raw import RawBatch, Wanted
from .read_parquet import ParquetObject
from .sources import text_batches

PART_ROWS = 262_144
"""Rows of a part, if the file has as many: sixteen of the longest batches of Parquet."""


@dataclass(frozen=True, slots=True)
class InputPart:
    """Some rows of part `number`; `last` if no more of it follow. `check_version` is called behind what was read."""

    number: int
    raw: RawBatch
    last: bool
    check_version: Callable[[], None]


def is_divisible(name: str) -> bool:
    """Whether the parts of a file can be read apart from each other, told by its name."""
    return format_of(name) == "parquet"


def count_parts(store: Reads, info: ObjectInfo) -> int:
    """How many parts a divisible file has; raises BadInput if it cannot be read."""
    return len(cuts(ParquetObject(store, info, frozenset()).groups))


def count_rows(store: Reads, info: ObjectInfo) -> int:
    """How many rows a divisible file has; raises BadInput if it cannot be read."""
    return sum(ParquetObject(store, info, frozenset()).groups)


def cuts(groups: Sequence[int]) -> list[tuple[int, int]]:
    """From and to which row, counted from 0, each part goes; `groups` are the rows of each row group.

    Row groups stay whole as far as they fit.

    >>> cuts([100_000, 100_000, 100_000, 600_000])
    [(0, 200000), (200000, 300000), (300000, 562144), (562144, 824288), (824288, 900000)]
    """
    found, start, row = [], 0, 0
    for rows in groups:
        end = row + rows
        if end - start > PART_ROWS and row > start:
            found.append((start, row))
            start = row
        while end - start > PART_ROWS:
            found.append((start, start + PART_ROWS))
            start += PART_ROWS
        row = end
    return [*found, (start, row)] if row > start else found


def input_parts(
    store: Reads,
    info: ObjectInfo,
    wanted: Wanted,
    coded: Collection[str],
    is_open: Callable[[int], bool],
) -> Iterator[InputPart]:
    """The rows of the parts that are `is_open`, in order and in bounded memory.

    `coded` are columns of text with few values. Raises BadInput when the file cannot be used.
    """
    if is_divisible(info.key):
        yield from _parquet(ParquetObject(store, info, wanted, coded), is_open)
    else:
        yield from _text(text_batches(store, info, wanted), is_open)


Cut = tuple[int, int]


def _parquet(file: ParquetObject, is_open: Callable[[int], bool]) -> Iterator[InputPart]:
    """The batches of the open parts, cut where parts end."""
    parts = cuts(file.groups)
    opened: deque[tuple[int, Cut]] = deque()
    for raw in file.batches(_open_groups(file.groups, parts, is_open, opened)):
        row, end = int(raw.rows[0]) - 1, int(raw.rows[-1])
        while opened[0][1][1] <= row:
            opened.popleft()
        for number, (first, stop) in tuple(opened):
            start, until = max(first, row), min(stop, end)
            if start < until:
                yield InputPart(number, _slice(raw, start - row, until - row), until == stop, file.check_version)


def _open_groups(
    groups: Sequence[int], parts: Sequence[Cut], is_open: Callable[[int], bool], opened: deque[tuple[int, Cut]]
) -> Iterator[tuple[int, int]]:
    """Each row group that has rows of an open part, and up to which row; `opened` gets the parts as they are met."""
    waiting = deque(enumerate(parts))
    inside: list[Cut] = []
    row = 0
    for group, rows in enumerate(groups):
        end = row + rows
        while waiting and waiting[0][1][0] < end:
            number, cut = waiting.popleft()
            if is_open(number):
                opened.append((number, cut))
                inside.append(cut)
        inside = [cut for cut in inside if cut[1] > row]
        if inside:
            yield group, min(end, inside[-1][1])
        row = end


def _slice(raw: RawBatch, start: int, stop: int) -> RawBatch:
    if stop - start == len(raw.rows):
        return raw
    return RawBatch(raw.names, raw.batch.slice(start, stop - start), raw.rows[start:stop])


def _text(batches: Iterator[RawBatch], is_open: Callable[[int], bool]) -> Iterator[InputPart]:
    """A part ends with the batch that fills it. The version is checked by the stream that the text comes from."""
    number, rows = 0, 0
    wanted = None
    ahead = next(batches, None)
    while ahead is not None:
        raw, ahead = ahead, next(batches, None)
        rows += len(raw.rows) + len(raw.broken)
        wanted = is_open(number) if wanted is None else wanted
        last = rows >= PART_ROWS or ahead is None
        if wanted:
            yield InputPart(number, raw, last, _no_check)
        if last:
            number, rows, wanted = number + 1, 0, None


def _no_check() -> None:
    """Streams are of one version from start to end."""
