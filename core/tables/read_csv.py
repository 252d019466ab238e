"""Comma-separated values and their kin (RFC 4180), as text.

The separator is found among comma, semicolon, tab and bar. The first record names the columns. Text is UTF-8, with or
without a byte order mark; lines end in LF, CRLF or CR; blank lines are skipped. A row with too few or too many
fields is told as broken, and the rest is read on.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from itertools import chain

import pyarrow as pa
import pyarrow.csv as arrow_csv

from ..errors import BadInput
from ..ports import ObjectInfo, Reads
from .raw import Broken, RawBatch, Wanted, check_names, number_rows, one_batch
from .records import BLOCK, BOM, Block, blocks, end_of_quoted_records, ends_in_quotes, record_ends
from .streams import content

SEPARATORS = (",", ";", "\t", "|")
SAMPLE = 64 << 10


def csv_batches(store: Reads, info: ObjectInfo, wanted: Wanted | None, *, compressed: bool) -> Iterator[RawBatch]:
    """Rows of a CSV object, every column text; raises BadInput naming the byte if it is not UTF-8, or not CSV."""
    chunks = content(store, info, compressed=compressed)
    head = _head(chunks)
    if not head.removeprefix(BOM).strip():
        raise BadInput(f"{info.key!r} is empty; send a header and rows.")
    separator = find_separator(head[:SAMPLE])
    cut = end_of_quoted_records(separator.encode())
    yield from _read(blocks(chain([head], chunks), cut, info.key), info.key, separator, wanted)


def _head(chunks: Iterator[bytes]) -> bytes:
    """Enough of the beginning to see the separator; the header's own bytes at least, if it ends within a block."""
    head = bytearray()
    for chunk in chunks:
        head += chunk
        if len(head) >= SAMPLE and (b"\n" in head or b"\r" in head or len(head) >= BLOCK):
            break
    return bytes(head)


def find_separator(sample: bytes) -> str:
    r"""The separator that splits the first record into several fields, and most others into as many.

    >>> find_separator(b"a;b\n1,5;2,5\n")
    ';'
    """
    text = sample.decode("utf-8-sig", errors="replace")
    return max(SEPARATORS, key=lambda separator: _fit(text, separator))


def _fit(text: str, separator: str) -> tuple[bool, float, int]:
    widths = [len(row) for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator) if row]
    if not widths:
        return False, 0.0, 0
    whole = widths[:-1] if len(widths) > 1 else widths
    return widths[0] > 1, whole.count(widths[0]) / len(whole), widths[0]


def _read(found: Iterator[Block], key: str, separator: str, wanted: Wanted | None) -> Iterator[RawBatch]:
    names: list[str] | None = None
    row = 0
    for block in found:
        if block.last and ends_in_quotes(block.data, separator.encode()):
            raise BadInput(f"{key!r} ends inside quotes: one is opened after byte {_last_end(block, separator):,}.")
        rest = block
        if names is None:
            names, rest = _header(block, key, separator)
        if rest.data.strip(b"\r\n"):
            raw = _parse(rest, key, separator, names, wanted, row)
            row += len(raw.rows) + len(raw.broken)
            yield raw


def _last_end(block: Block, separator: str) -> int:
    ends = record_ends(block.data, separator.encode())
    return block.offset + (int(ends[-1]) + 1 if len(ends) else 0)


def _header(block: Block, key: str, separator: str) -> tuple[list[str], Block]:
    """The columns' names, and the block behind them."""
    blank = len(block.data) - len(block.data.lstrip(b"\r\n"))
    data = block.data[blank:]
    ends = record_ends(data, separator.encode())
    end = int(ends[0]) + 1 if len(ends) else len(data)
    text = _decode(Block(data[:end], block.offset + blank), key)
    try:
        fields = next(csv.reader(io.StringIO(text, newline=""), delimiter=separator))
    except csv.Error as error:
        raise BadInput(f"the header of {key!r} cannot be read: {error}.") from error
    names = [name.strip() for name in fields]
    check_names(names, key)
    return names, Block(data[end:], block.offset + blank + end, last=block.last)


def _decode(block: Block, key: str) -> str:
    try:
        return block.data.decode()
    except UnicodeDecodeError as error:
        byte = block.offset + error.start
        raise BadInput(f"{key!r} is not UTF-8 at byte {byte:,}; save it as UTF-8 and send it again.") from error


def _parse(block: Block, key: str, separator: str, names: list[str], wanted: Wanted | None, before: int) -> RawBatch:
    if not block.data.isascii():
        _decode(block, key)  # all of it, since Arrow loses a row of a wrong number of fields that is no text
    broken: list[Broken] = []
    kept = [name for name in names if wanted is None or name in wanted]

    def keep(row: arrow_csv.InvalidRow) -> str:
        problem = f"has {row.actual_columns} fields, not {row.expected_columns}"
        broken.append(Broken(before + row.number, problem, row.text))
        return "skip"

    try:
        table = arrow_csv.read_csv(
            pa.BufferReader(block.data),
            arrow_csv.ReadOptions(use_threads=False, column_names=names, block_size=len(block.data) + 1),
            arrow_csv.ParseOptions(delimiter=separator, newlines_in_values=True, invalid_row_handler=keep),
            arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()),
                include_columns=kept,
                check_utf8=False,
            ),
        )
    except pa.ArrowInvalid as error:
        raise BadInput(f"{key!r} cannot be read as CSV behind byte {block.offset:,}: {error}") from error
    rows = number_rows(before, table.num_rows + len(broken), [one.row for one in broken])
    return RawBatch(tuple(names), one_batch(table.select(kept)), rows, tuple(broken))
