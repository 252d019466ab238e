"""Keep rejected rows, each with its reasons, and tell how many there were of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from ..domain.canonical import canonical_json
from ..domain.checks.rows import Rejected
from ..errors import AlreadyExists
from ..ports import Creates

FORMAT = 1
ROWS_A_PART = 10_000
"""Rejected rows in one object."""


class Quarantine:
    """Writes rejected rows of one source as they come; the keys of the parts are given by `part`.

    What an earlier attempt wrote stands: the same source has the same rejected rows.
    """

    def __init__(self, store: Creates, part: Callable[[int], str]) -> None:
        self.count = 0
        self._store = store
        self._part = part
        self._parts = 0
        self._held: list[Rejected] = []
        self._reasons: Counter[str] = Counter()

    def add(self, rejected: Sequence[Rejected]) -> None:
        """Keep these rows."""
        self._held += rejected
        while len(self._held) >= ROWS_A_PART:
            self._write(self._held[:ROWS_A_PART])
            self._held = self._held[ROWS_A_PART:]

    def finish(self) -> dict[str, Any]:
        """Write what is held; how many rows were rejected, and how often for each reason."""
        if self._held:
            self._write(self._held)
            self._held = []
        return {"rejected": self.count, "reasons": dict(self._reasons.most_common())}

    def _write(self, rows: Sequence[Rejected]) -> None:
        lines = b"".join(canonical_json(row.to_json()) + b"\n" for row in rows)
        create_once(self._store, self._part(self._parts), lines)
        self._reasons.update(f"{reason.column or 'row'}: {reason.problem}" for row in rows for reason in row.reasons)
        self.count += len(rows)
        self._parts += 1


def create_once(store: Creates, key: str, data: bytes) -> None:
    """Write an object whose content is determined by its key, unless an earlier attempt has."""
    with suppress(AlreadyExists):
        store.create(key, data)
