"""The local host's durable queue: every event and job that was ever seen, and what became of it.

One SQLite file (write-ahead log). It is only a memory of what is done: work is found again by listing the store, and
doing it twice changes nothing, so losing the file costs time and no data.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

State = Literal["pending", "done", "dead"]

_SCHEMA = """
create table if not exists work (
    id text primary key,
    function text not null,
    subject text not null,
    arguments text not null,
    state text not null default 'pending',
    attempts integer not null default 0,
    rank integer not null,
    due real not null default 0,
    error text
);
create index if not exists pending on work (state, rank);
create table if not exists fired (schedule text primary key, at real not null);
"""

_INSERT = "insert or ignore into work (id, function, subject, arguments, rank, due) values (?, ?, ?, ?, ?, ?)"


@dataclass(frozen=True, slots=True)
class Work:
    """One call of one function. `subject` says for people what it is about; `due` is in seconds since 1970.

    What has a lower `rank` goes first: data flows through the functions in that order.
    """

    id: str
    function: str
    subject: str
    arguments: Mapping[str, str]
    rank: int = 0
    attempts: int = 0
    due: float = 0.0
    error: str | None = None


class Queue:
    """The queue in `folder`; safe to share between threads and processes."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._database = sqlite3.connect(folder / "queue.sqlite", timeout=30, check_same_thread=False)
        self._database.row_factory = sqlite3.Row
        self._database.execute("pragma journal_mode=wal")
        self._database.executescript(_SCHEMA)

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._database.close()

    def add(self, work: Iterable[Work]) -> int:
        """Append what is not known yet; the number of new ones."""
        with self._transaction() as database:
            before = database.total_changes
            database.executemany(_INSERT, map(_row, work))
            return database.total_changes - before

    def next(self, now: float, functions: Collection[str]) -> Work | None:
        """What to do next at `now`, of these functions; None if nothing is due."""
        names = ", ".join("?" for _ in functions)
        condition = f"state = 'pending' and due <= ? and function in ({names}) order by rank, rowid limit 1"
        return next(iter(self._select(condition, now, *functions)), None)

    def pending(self) -> list[Work]:
        """Everything still to do, whether due or not."""
        return self._select("state = 'pending' order by rank, rowid")

    def dead(self) -> list[Work]:
        """Everything that was given up."""
        return self._select("state = 'dead' order by rowid")

    def done(self, work: Work) -> None:
        """Remember that it is done."""
        self._update(work, "done", work.attempts + 1, None)

    def retry(self, work: Work, error: str, due: float) -> None:
        """Remember that it failed, and try again at `due`."""
        self._update(work, "pending", work.attempts + 1, error, due)

    def go_on(self, work: Work) -> None:
        """Remember that some of it is done, and that the rest is to be done at once, as if never tried."""
        self._update(work, "pending", 0, None)

    def give_up(self, work: Work, error: str) -> None:
        """Remember that it will not be tried again by itself."""
        self._update(work, "dead", work.attempts + 1, error)

    def revive(self) -> int:
        """Make everything that was given up pending again; how many that were."""
        with self._transaction() as database:
            return database.execute(
                "update work set state = 'pending', attempts = 0, due = 0 where state = 'dead'"
            ).rowcount

    def last_fired(self, schedule: str) -> float | None:
        """When a schedule last fired, in seconds since 1970; None if it never did."""
        with self._lock:
            row = self._database.execute("select at from fired where schedule = ?", (schedule,)).fetchone()
        return None if row is None else float(row["at"])

    def fire(self, schedule: str, at: float, work: Iterable[Work]) -> None:
        """Append the schedule's work and remember that it fired, both or neither."""
        with self._transaction() as database:
            database.executemany(_INSERT, map(_row, work))
            database.execute("insert or replace into fired (schedule, at) values (?, ?)", (schedule, at))

    def _update(self, work: Work, state: State, attempts: int, error: str | None, due: float = 0.0) -> None:
        with self._transaction() as database:
            database.execute(
                "update work set state = ?, attempts = ?, due = ?, error = ? where id = ?",
                (state, attempts, due, error, work.id),
            )

    def _select(self, condition: str, *values: object) -> list[Work]:
        query = f"select id, function, subject, arguments, rank, attempts, due, error from work where {condition}"  # noqa: S608 - conditions are ours, values are bound
        with self._lock:
            rows = self._database.execute(query, values).fetchall()
        return [Work(**{**dict(row), "arguments": json.loads(row["arguments"])}) for row in rows]

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock, self._database:
            yield self._database


def _row(work: Work) -> tuple[object, ...]:
    return work.id, work.function, work.subject, json.dumps(dict(work.arguments)), work.rank, work.due
