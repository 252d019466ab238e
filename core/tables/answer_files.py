"""Answered rows -> Parquet files, one for a part, or one for each value of the columns that it is divided by."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from urllib.parse import quote

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pyarrow.types as kinds

from ..domain.prediction import PREDICTION_ID
from ..errors import BadInput
from .arrow import TEXT

NO_VALUE = "__HIVE_DEFAULT_PARTITION__"
"""The folder of rows that have no value: https://cwiki.apache.org/confluence/display/Hive/DynamicPartitions"""

MOST_VALUES = 1_000
"""Folders that one part may be divided into."""


def encode_answers(rows: pa.Table, unique: str | None) -> bytes:
    """One Parquet file of one row group; the same rows give the same bytes for one release of pyarrow.

    Text is written by its distinct values, but for the ids and the column `unique`, of which each has its own.
    """
    texts = [each.name for each in rows.schema if each.type == TEXT or kinds.is_dictionary(each.type)]
    repeated = [name for name in texts if name not in {PREDICTION_ID, unique}]
    buffer = pa.BufferOutputStream()
    pq.write_table(
        rows,
        buffer,
        row_group_size=max(len(rows), 1),
        compression="zstd",
        use_dictionary=repeated,
        store_schema=False,  # so that text that is dictionary-encoded here is plain text to who reads it
    )
    return bytes(buffer.getvalue())


def divided(rows: pa.Table, by: Sequence[str]) -> Iterator[tuple[str, pa.Table]]:
    """The folders `name=value/` that the rows belong to, each with its rows, in the order of the folders.

    The columns that they are divided by are told by the folders alone, as readers of such folders expect. Raises
    BadInput if there are more than MOST_VALUES.
    """
    if not by:
        yield "", rows
        return
    texts = [pc.fill_null(_text(rows[name]), NO_VALUE) for name in by]
    folders = pc.binary_join_element_wise(*[_folder(name, text) for name, text in zip(by, texts, strict=True)], "")
    found = sorted(pc.unique(folders).to_pylist())
    if len(found) > MOST_VALUES:
        raise BadInput(f"the rows have more than {MOST_VALUES:,} different values of {', '.join(by)} to be divided by.")
    given = rows.drop_columns(list(by))
    for folder in found:
        yield folder, given.filter(pc.equal(folders, folder))


def _text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column.cast(TEXT)


def _folder(name: str, texts: pa.ChunkedArray) -> pa.ChunkedArray:
    coded = texts.combine_chunks().dictionary_encode()
    names = [f"{quote(name, safe='')}={quote(text, safe='')}/" for text in coded.dictionary.to_pylist()]
    return pa.array(names, TEXT).take(coded.indices)
