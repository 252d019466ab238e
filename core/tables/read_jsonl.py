"""JSON Lines: one object a line, with JSON's own types (RFC 8259).

A key that is not there is null; of a key that comes twice the last value counts. Blank lines are skipped. A line that
is no object, and a row with a list or an object where a value is wanted, is told as broken, and the rest is read on.

Blocks of plain rows are read by Arrow (see `plain_rows`), any other line by line, with the same outcome.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from ..errors import BadInput
from ..ports import ObjectInfo, Reads
from .plain_rows import EXACT, PlainRows
from .raw import Broken, RawBatch, Wanted, number_rows, one_batch, rows_of_nothing
from .records import Block, blocks, end_of_lines
from .streams import content

Row = dict[str, Any]
SURROGATE = "\\ud"


def jsonl_batches(store: Reads, info: ObjectInfo, wanted: Wanted | None, *, compressed: bool) -> Iterator[RawBatch]:
    """Rows of a JSON Lines object; raises BadInput naming the byte if it is not UTF-8."""
    before = 0
    plain = PlainRows()
    for block in blocks(content(store, info, compressed=compressed), end_of_lines, info.key):
        raw = _read(block, info.key, plain, before, wanted)
        before += len(raw.rows) + len(raw.broken)
        yield raw
    if not before:
        raise BadInput(f"{info.key!r} is empty; send one JSON object a line.")


def _read(block: Block, key: str, plain: PlainRows, before: int, wanted: Wanted | None) -> RawBatch:
    text = _decode(block, key)
    table = plain.read(block.data)
    if table is None:
        return _parse([line for line in text.split("\n") if line.strip()], before, wanted)
    names = table.schema.names
    kept = [name for name in names if wanted is None or name in wanted]
    return RawBatch(tuple(names), one_batch(table.select(kept)), number_rows(before, len(table), ()))


def _decode(block: Block, key: str) -> str:
    try:
        return block.data.decode()
    except UnicodeDecodeError as error:
        byte = block.offset + error.start
        raise BadInput(f"{key!r} is not UTF-8 at byte {byte:,}; save it as UTF-8 and send it again.") from error


def _parse(lines: Sequence[str], before: int, wanted: Wanted | None) -> RawBatch:
    numbers: list[int] = []
    found: list[Row] = []
    broken: list[Broken] = []
    for number, line in enumerate(lines, start=before + 1):
        row, problem = _row(line)
        if problem is None and (nested := _nested(row, wanted)) is not None:
            broken.append(Broken(number, "is a list or an object, not a value", line, nested))
        elif problem is None:
            numbers.append(number)
            found.append(row)
        else:
            broken.append(Broken(number, problem, line))
    names = tuple(dict.fromkeys(name for row in found for name in row))
    kept = [name for name in names if wanted is None or name in wanted]
    columns = [_column([row.get(name) for row in found]) for name in kept]
    batch = pa.RecordBatch.from_arrays(columns, names=kept) if kept else rows_of_nothing(len(found))
    return RawBatch(names, batch, np.array(numbers, np.int64), tuple(broken))


def _row(line: str) -> tuple[Row, str | None]:
    try:
        row = json.loads(line)
        if SURROGATE in line.lower():
            json.dumps(row, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return {}, "has half a surrogate pair, which is no text"
    except json.JSONDecodeError as error:
        return {}, f"is not JSON: {error.msg}"
    except ValueError:
        return {}, "is not JSON: a number of too many digits"
    except RecursionError:
        return {}, "is too deeply nested"
    return (row, None) if isinstance(row, dict) else ({}, "is not a JSON object")


def _nested(row: Row, wanted: Wanted | None) -> str | None:
    for name, value in row.items():
        if isinstance(value, (dict, list)) and (wanted is None or name in wanted):
            return name
    return None


def _column(values: list[Any]) -> pa.Array:
    """As Arrow tells their type; as text if they are of several."""
    try:
        return pa.array(values)
    except (pa.ArrowException, OverflowError):
        return pa.array([_text(value) for value in values], pa.string())


def _text(value: Any) -> str | None:  # noqa: ANN401 - whatever JSON holds
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer() and abs(value) < EXACT:
        return str(int(value))
    return json.dumps(value)
