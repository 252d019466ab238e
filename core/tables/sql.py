"""SQL over the rows of a dataset, in a sandbox: DuckDB without files, network, extensions or settings of its own.

Rows are kept in a file of a temporary folder, so that memory is bounded by a limit and not by the number of rows.
https://duckdb.org/docs/stable/operations_manual/securing_duckdb/overview
"""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pyarrow as pa

from ..domain.checks.expectation import Found
from ..errors import BadInput

MEMORY = "256MB"
SECONDS = 60.0
"""The longest that one statement may take."""

_SANDBOX: Mapping[str, str] = {
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "python_enable_replacements": "false",
    "memory_limit": MEMORY,
    "threads": "1",
}
"""One thread: then the same rows come in the same order."""


class Sql:
    """The table `rows` of one sandbox. Every mistake in a statement is raised as BadInput, in one sentence."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, seconds: float) -> None:
        self._connection = connection
        self._seconds = seconds

    def selected(self, statement: str, examples: int) -> Found:
        """Run a SELECT; raises BadInput if it cannot be run on these rows within the time and memory allowed."""
        query = self._one_select(statement)
        rows: int = self._run(_around(query, "count(*)")).fetchall()[0][0]
        shown = self._run(f"{_around(query, '*')} limit {examples}")
        names = [str(column[0]) for column in shown.description or ()]
        return Found(rows, tuple(dict(zip(names, row, strict=True)) for row in shown.fetchall()))

    def types(self, statement: str) -> Mapping[str, str]:
        """The names and types of what a SELECT yields, without running it; raises BadInput if it has a mistake."""
        described = self._run(f"describe {self._one_select(statement)}").fetchall()
        return {str(row[0]): str(row[1]) for row in described}

    def _one_select(self, text: str) -> str:
        try:
            statements = duckdb.extract_statements(text)
        except duckdb.Error as error:
            raise BadInput(_sentence(error)) from error
        if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
            raise BadInput("it must be one SELECT and nothing else")
        return str(statements[0].query).strip().rstrip(";")

    def _run(self, query: str) -> duckdb.DuckDBPyConnection:
        watch = threading.Timer(self._seconds, self._connection.interrupt)
        watch.start()
        try:
            return self._connection.execute(query)
        except duckdb.InterruptException as error:
            raise BadInput(f"it takes longer than {self._seconds:g} seconds") from error
        except duckdb.OutOfMemoryException as error:
            raise BadInput(f"it needs more than {MEMORY} of memory") from error
        except duckdb.Error as error:
            raise BadInput(_sentence(error)) from error
        finally:
            watch.cancel()


@contextmanager
def sql_over(schema: pa.Schema, batches: Iterable[pa.RecordBatch] = (), seconds: float = SECONDS) -> Iterator[Sql]:
    """The rows of `batches`, which have `schema`, for statements inside of the `with` block."""
    with tempfile.TemporaryDirectory(prefix="tidemill-sql-") as folder:
        config: dict[str, str | bool | int | float | list[str]] = {**_SANDBOX, "temp_directory": folder}
        with duckdb.connect(str(Path(folder) / "rows.duckdb"), config=config) as connection:
            connection.execute("set TimeZone = 'UTC'")
            _load(connection, schema.empty_table(), "create table rows as select * from batch")
            for batch in batches:
                # each in a transaction of its own: what is not committed is held in memory
                _load(connection, pa.Table.from_batches([batch]), "insert into rows select * from batch")
            connection.execute("set lock_configuration = true")
            yield Sql(connection, seconds)


def _load(connection: duckdb.DuckDBPyConnection, rows: pa.Table, statement: str) -> None:
    connection.register("batch", rows)
    connection.execute(statement)
    connection.unregister("batch")


def _around(query: str, wanted: str) -> str:
    return f"select {wanted} from (\n{query}\n)"  # noqa: S608 - a user's own SQL, in a sandbox


def quoted(name: str) -> str:
    """A column's name as SQL wants it.

    >>> print(quoted('a "b" c'))
    "a ""b"" c"
    """
    return '"' + name.replace('"', '""') + '"'


def _sentence(error: duckdb.Error) -> str:
    """What DuckDB says, without the statement that it points into."""
    told = str(error).split("\n\nLINE ", maxsplit=1)[0]
    return " ".join(told.replace("!\n", "; ").split()).rstrip("!.")
