"""What a user expects of a dataset, once the rows that fail it have been found: a check with examples."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from math import isfinite
from typing import Any

from .check import Check, Severity

EXAMPLES = 5
"""Failing rows that are shown."""
LONGEST = 200
"""Characters of a text that an example shows."""


@dataclass(frozen=True, slots=True)
class Found:
    """What is not as expected: how many rows, and the first of them, column -> value."""

    rows: int
    examples: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Privacy:
    """What an example may show: not the `sensitive` columns, nor what a query derives once it names one of them."""

    columns: Collection[str]
    sensitive: Collection[str]

    def shown(self, found: Found, query: str) -> tuple[Mapping[str, Any], ...]:
        """The examples as plain JSON values; those that have nothing left to show are left out."""
        derived = not any(_names(query, name) for name in self.sensitive)
        rows = (
            {key: _plain(row[key]) for key in row if self._may_show(key, derived=derived)} for row in found.examples
        )
        return tuple(row for row in rows if row)

    def _may_show(self, name: str, *, derived: bool) -> bool:
        return name not in self.sensitive and (derived or name in self.columns)


def rule_check(rule: str, columns: tuple[str, ...], severity: Severity, found: Found, privacy: Privacy) -> Check:
    """The check of a rule between columns."""
    detail = f"{rule} fails in {found.rows:,} rows" if found.rows else f"{rule} holds in every row"
    column = columns[0] if len(columns) == 1 else None
    return Check("rule", column, severity, not found.rows, detail, privacy.shown(found, rule))


def expectation_check(name: str, severity: Severity, found: Found, privacy: Privacy, query: str) -> Check:
    """The check of an expectation; `query` is its SQL, empty for Python."""
    detail = f"{name}: {found.rows:,} rows are not as expected" if found.rows else f"{name}: as expected"
    return Check("expectation", None, severity, not found.rows, detail, privacy.shown(found, query))


def asked(check: Check) -> str:
    """What the spec asks for in the words of the spec: a rule, or the name of an expectation.

    >>> asked(Check("rule", "x", "error", passed=False, detail="x > 0 fails in 3 rows"))
    'x > 0'
    >>> asked(Check("expectation", None, "error", passed=True, detail="few late: as expected"))
    'few late'
    """
    return _OUTCOME.sub("", check.detail)


_OUTCOME = re.compile(r"( fails in [\d,]+ rows| holds in every row|: [\d,]+ rows are not as expected|: as expected)$")


def _names(query: str, column: str) -> bool:
    """Whether the text of a query has the name of a column in it as a whole, in any case."""
    return re.search(rf"(?<!\w){re.escape(column)}(?!\w)", query, re.IGNORECASE) is not None


def _plain(value: object) -> Any:  # noqa: ANN401 - any plain JSON value
    """A value as JSON has it, texts cut."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float) and isfinite(value):
        return value
    text = value.isoformat() if isinstance(value, date) else str(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
