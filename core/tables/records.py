"""Cut a stream of text into blocks that end where a record ends.

Every block can then be parsed by itself, in this thread, with its place in the source known.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..errors import BadInput

BLOCK = 4 << 20
"""Bytes a block holds, unless one record is longer."""

LONGEST_RECORD = 32 << 20
"""Bytes that one record may have."""

BOM = b"\xef\xbb\xbf"
LINE_FEED, RETURN, QUOTE = b"\n", b"\r", b'"'

EndOfRecords: TypeAlias = Callable[[bytes], int]
"""How many bytes of a block, which starts at the start of a record, are whole records."""


@dataclass(frozen=True, slots=True)
class Block:
    """Whole records, and where they start in the (decompressed) source. Only the `last` may end without a line end."""

    data: bytes
    offset: int
    last: bool = False


def blocks(chunks: Iterator[bytes], end_of_records: EndOfRecords, name: str) -> Iterator[Block]:
    """Regroup chunks of any size into blocks; a byte order mark at the start is left out.

    The cuts depend on the bytes alone, not on how they came in chunks. The last block holds what is left, whole or
    not. Raises BadInput for a record longer than LONGEST_RECORD.
    """
    offset, held, wanted = 0, bytearray(), BLOCK
    for chunk in chunks:
        held += chunk
        if offset == 0 and held.startswith(BOM):
            del held[: len(BOM)]
            offset = len(BOM)
        while len(held) >= wanted:
            data = bytes(held[:wanted])
            end = end_of_records(data)
            if end:
                yield Block(data[:end], offset)
                del held[:end]
            offset, wanted = offset + end, BLOCK if end else wanted * 2
            if wanted > LONGEST_RECORD:
                limit = f"{LONGEST_RECORD >> 20} MiB"
                raise BadInput(f"{name!r} has a record longer than {limit} at byte {offset:,}; is a quote left open?")
    if held:
        yield Block(bytes(held), offset, last=True)


def end_of_lines(data: bytes) -> int:
    """End of the last whole line."""
    return data.rfind(LINE_FEED) + 1


def end_of_quoted_records(separator: bytes) -> EndOfRecords:
    """For CSV (RFC 4180): the end of the last line whose end is not inside quotes."""

    def end(data: bytes) -> int:
        ends = record_ends(data, separator)
        return int(ends[-1]) + 1 if len(ends) else 0

    return end


def record_ends(data: bytes, separator: bytes) -> NDArray[np.int64]:
    """Places of the line feeds outside quotes; of the carriage returns if there is no line feed at all."""
    codes = np.frombuffer(data, np.uint8)
    ends: NDArray[np.int64] = np.flatnonzero(codes == LINE_FEED[0])
    if not len(ends):
        ends = np.flatnonzero(codes[:-1] == RETURN[0])
    if QUOTE not in data:
        return ends
    outside: NDArray[np.bool_] = np.searchsorted(_quotes(data, codes, separator), ends) % 2 == 0
    return ends[outside]


def ends_in_quotes(data: bytes, separator: bytes) -> bool:
    """Whether a quote is opened in `data`, which starts at the start of a record, and not closed."""
    return QUOTE in data and len(_quotes(data, np.frombuffer(data, np.uint8), separator)) % 2 == 1


def _quotes(data: bytes, codes: NDArray[np.uint8], separator: bytes) -> NDArray[np.int64]:
    """Places of the quotes that open and close fields, in turn. A quote inside a bare field is a character like any."""
    quotes = np.flatnonzero(codes == QUOTE[0])
    opening = quotes[::2]
    before = codes[opening - 1]
    starts_field = np.isin(before, np.frombuffer(separator + LINE_FEED + RETURN, np.uint8)) | (opening == 0)
    continues = np.zeros(len(opening), bool)
    continues[1:] = opening[1:] - 1 == quotes[1:-1:2][: len(opening) - 1]
    return quotes if np.all(starts_field | continues) else _quotes_one_by_one(data, separator)


def _quotes_one_by_one(data: bytes, separator: bytes) -> NDArray[np.int64]:
    field = re.compile(rb'(?:\A|[\r\n%s])(")[^"]*(?:""[^"]*)*(")?' % re.escape(separator))
    places = [match.start(group) for match in field.finditer(data) for group in (1, 2) if match.start(group) >= 0]
    return np.array(places, np.int64)
