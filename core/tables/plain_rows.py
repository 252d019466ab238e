"""Blocks of JSON Lines that hold plain rows only, read by Arrow: many times faster than line by line."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as arrow_json
import pyarrow.types as kinds

EXACT = 2**53
"""Integers below this are exact as floats."""


class PlainRows:
    """Reads one source, block by block. Remembers which columns are text, though they look like times to Arrow."""

    def __init__(self) -> None:
        self._texts: dict[str, pa.DataType] = {}

    def read(self, data: bytes) -> pa.Table | None:
        """The rows, one of each line; None if this is not sure to be what reading line by line would give.

        That is: for blank lines, rows with anything nested (which Arrow's parser follows until the stack is full, so
        it must not see it), columns of several types, and integers that float64 cannot hold.
        """
        lines = data.replace(b"\r\n", b"\n").rstrip(b"\n")
        rows = lines.count(b"\n{") + lines.startswith(b"{")
        if not rows or rows != lines.count(b"\n") + 1 or rows != lines.count(b"{") or b"[" in lines:
            return None
        try:
            table = self._parse(lines)
        except pa.ArrowInvalid:
            return None
        return table if len(table) == rows and not any(map(_inexact, table.columns)) else None

    def _parse(self, lines: bytes) -> pa.Table:
        table = _parse(lines, self._texts)
        times = {field.name: pa.string() for field in table.schema if kinds.is_timestamp(field.type)}
        if not times:
            return table
        self._texts |= times
        return _parse(lines, self._texts)


def _parse(lines: bytes, texts: dict[str, pa.DataType]) -> pa.Table:
    return arrow_json.read_json(
        pa.BufferReader(lines),
        arrow_json.ReadOptions(use_threads=False, block_size=len(lines) + 1),
        arrow_json.ParseOptions(explicit_schema=pa.schema(list(texts.items()))),
    )


def _inexact(column: pa.ChunkedArray) -> bool:
    if not kinds.is_floating(column.type):
        return False
    return pc.any(pc.greater_equal(pc.abs(column), EXACT)).as_py() is True
