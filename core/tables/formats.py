"""Which table formats are read, told by the end of a file's name."""

from __future__ import annotations

from typing import Literal, get_args

from ..errors import BadInput

Format = Literal["csv", "csv.gz", "parquet", "jsonl", "jsonl.gz"]
FORMATS: tuple[Format, ...] = get_args(Format)


def format_of(name: str) -> Format:
    """The format of a file by its name, in any case; raises BadInput for one that is not read.

    >>> format_of("m/rows/May.CSV.gz")
    'csv.gz'
    """
    lowered = name.lower()
    for known in FORMATS:
        if lowered.endswith(f".{known}"):
            return known
    raise BadInput(f"file {name[-200:]!r} is of no known format; its name must end in .{', .'.join(FORMATS)}.")
