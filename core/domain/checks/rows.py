"""Why a row cannot be used: every reason, beside the row's place in its source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

LONGEST_VALUE = 1_000
"""Characters of a cell that are kept with a rejected row."""


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that is wrong with one row. `column` is None when it is the row as a whole."""

    column: str | None
    problem: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that cannot be used. `row` counts the source's data rows from 1.

    `values` are as found in the source, without the columns that the schema drops, each cut to LONGEST_VALUE.
    """

    row: int
    reasons: tuple[Reason, ...]
    values: Mapping[str, Any]

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values: {"row", "reasons": [{"column", "problem"}], "values"}."""
        reasons = [{"column": reason.column, "problem": reason.problem} for reason in self.reasons]
        return {"row": self.row, "reasons": reasons, "values": dict(self.values)}


def shorten(text: str) -> str:
    """`text`, or its beginning with a mark of how much was cut off.

    >>> shorten("x" * 1_003)[-25:]
    'xxxx… (3 more characters)'
    """
    if len(text) <= LONGEST_VALUE:
        return text
    return f"{text[:LONGEST_VALUE]}… ({len(text) - LONGEST_VALUE:,} more characters)"
