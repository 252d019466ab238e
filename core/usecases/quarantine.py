"""Keep rejected rows, each with its reasons, and tell how many there were of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from ..domain.canonical import canonical_json
from ..domain.checks.rows import Rejected
from ..errors import AlreadyExists
from ..ports import Creates

FORMAT = 1
ROWS_A_PART = 10_000
BYTES_A_PART = 16 << 20
"""An object ends with the row that reaches either."""


class Quarantine:
    """Writes rejected rows of one source as they come; the keys of the parts are given by `part`.

    What an earlier attempt wrote stands: the same source has the same rejected rows.
    """

    def __init__(self, store: Creates, part: Callable[[int], str]) -> None:
        self.count = 0
        self._store = store
        self._part = part
        self._parts = 0
        self._lines: list[bytes] = []
        self._bytes = 0
        self._reasons: Counter[str] = Counter()

    def add(self, rejected: Sequence[Rejected]) -> None:
        """Keep these rows."""
        for row in rejected:
            self._lines.append(canonical_json(row.to_json()) + b"\n")
            self._bytes += len(self._lines[-1])
            self._reasons.update(f"{reason.column or 'row'}: {reason.problem}" for reason in row.reasons)
            if len(self._lines) >= ROWS_A_PART or self._bytes >= BYTES_A_PART:
                self._write()
        self.count += len(rejected)

    def finish(self) -> dict[str, Any]:
        """Write what is held; how many rows were rejected, and how often for each reason, the most frequent first."""
        if self._lines:
            self._write()
        return {"rejected": self.count, "reasons": dict(self._reasons.most_common())}

    def _write(self) -> None:
        create_once(self._store, self._part(self._parts), b"".join(self._lines))
        self._lines, self._bytes, self._parts = [], 0, self._parts + 1


def write_report(store: Creates, key: str, *, model: str, source: Mapping[str, str], found: Mapping[str, Any]) -> None:
    """Tell what was kept of one version of a file, or that nothing of it was used; `source` has its key and version."""
    report = {"format": FORMAT, "model": model, "source": dict(source), **found}
    create_once(store, key, canonical_json(report))


def create_once(store: Creates, key: str, data: bytes) -> None:
    """Write an object whose content is determined by its key, unless an earlier attempt has."""
    with suppress(AlreadyExists):
        store.create(key, data)
