"""Where releases come from: the objects of the edge zone, by their keys, in bounded pieces.

A server is not trusted with anything but bytes: how many there are and what they must be is known before they are
asked for, so an endless, slow, redirected or compressed answer is cut off, and never believed.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

from core.errors import TooLarge

from . import files
from .budget import Budget, Pace

PIECE = 16 * 1024
CHUNK = 4 * 1024 * 1024
OVERHEAD = 700
"""Bytes of the headers of a request and its answer, about."""


class Source(Protocol):
    """Reads objects."""

    def stream(self, key: str, start: int, length: int) -> Iterator[bytes]:
        """Bytes `start` to `start + length` of an object, in pieces; fewer if it ends earlier.

        Raises NotFound if there is no such object; Transient if it may go better later, what came until then is good;
        Refused or Corrupt if what answers is not to be used.
        """
        ...


Fetch = Callable[[str, int, int], Iterator[bytes]]
"""As `Source.stream`, of the files of one release by their names."""


def read_whole(fetch: Fetch, name: str, most: int) -> bytes:
    """A small object as a whole; raises TooLarge if it has more than `most` bytes, and as `Source.stream` does."""
    data = b"".join(fetch(name, 0, most + 1))
    if len(data) > most:
        raise TooLarge(f"{name} has more than {most:,} bytes.")
    return data


def in_folder(folder: Path) -> Fetch:
    """The files of a folder, links not followed."""

    def fetch(name: str, start: int, length: int) -> Iterator[bytes]:
        with files.reading(folder / name) as descriptor:
            while length > 0 and (piece := os.pread(descriptor, min(PIECE, length), start)):
                start, length = start + len(piece), length - len(piece)
                yield piece

    return fetch


class FolderSource:
    """A folder with the keys of the edge zone: a memory stick, or what a carrier such as Greengrass put there."""

    def __init__(self, folder: Path) -> None:
        self._fetch = in_folder(folder)

    def stream(self, key: str, start: int, length: int) -> Iterator[bytes]:
        """The bytes of a file below the folder."""
        return self._fetch(key, start, length)


class Metered:
    """A source within the device's budget and bandwidth."""

    def __init__(self, source: Source, budget: Budget, pace: Pace) -> None:
        self._source = source
        self._budget = budget
        self._pace = pace

    def stream(self, key: str, start: int, length: int) -> Iterator[bytes]:
        """As the source's; raises Transient where the budget ends."""
        self._budget.check()
        self._budget.spend(OVERHEAD)
        try:
            for piece in self._pace.through(self._source.stream(key, start, length)):
                self._budget.spend(len(piece))
                yield piece
                self._budget.check()
        finally:
            self._budget.keep()
