"""What one check of a dataset found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

MIN_ROWS = 20
"""Fewer rows than this, of all datasets together, cannot be split into rows to learn from and rows to be judged on."""

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Check:
    """One check. A failed `warning` is told, and the dataset stays valid.

    `examples` are some of the rows that failed it, column -> value, without what the spec calls sensitive.
    """

    check: str
    column: str | None
    severity: Severity
    passed: bool
    detail: str
    examples: tuple[Mapping[str, Any], ...] = ()
