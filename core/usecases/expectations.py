"""What a user expects of a dataset: rules between columns and queries in SQL, and functions in Python.

A mistake in an expectation says nothing of the data: it is the spec's, and no verdict is given until it is mended.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeAlias

import pyarrow as pa

from ..domain.checks.check import Check
from ..domain.checks.expectation import EXAMPLES, Found, Privacy, expectation_check, rule_check
from ..errors import BadInput, BadSpec, TidemillError
from ..spec import Expectation, ModelSpec, RowCheck, Where
from ..tables.arrow import dataset_schema

if TYPE_CHECKING:  # DuckDB is imported for specs that ask for it
    from ..tables.sql import Sql

Read: TypeAlias = Callable[[list[str] | None], Iterator[pa.RecordBatch]]
"""The rows of a dataset, these columns or all, from the beginning each time."""

UserFunction: TypeAlias = Callable[[Iterator[pa.RecordBatch]], Iterable[Mapping[str, Any]]]
"""Rows in; out comes what is not as expected, a mapping of column -> value each."""

Find: TypeAlias = Callable[[str], UserFunction]
"""Finds a user's function by its name; raises BadSpec if it is not there."""


def expected(spec: ModelSpec, read: Read, find: Find) -> Iterator[Check]:
    """Every check and expectation of the spec on the rows of `read`; raises BadSpec if one cannot be run."""
    privacy = Privacy(dataset_schema(spec.columns).names, spec.sensitive)
    with ExitStack() as stack:
        sql = _sql(spec, read(None), stack)
        for check in spec.checks:
            found = _selected(sql, f"check {check.rule!r}", _failing(check))
            yield rule_check(check.rule, check.columns, check.severity, found, privacy)
        for item in spec.expectations:
            found = _returned(item, read, find) if item.python else _selected(sql, _called(item), str(item.sql))
            yield expectation_check(item.name, item.severity, found, privacy, item.sql or "")


def mistakes(spec: ModelSpec, find: Find) -> Iterator[tuple[Where, str, str]]:
    """What can be told to be wrong with them without any rows: where in the spec, the problem and the mend."""
    with ExitStack() as stack:
        sql = _sql(spec, iter(()), stack)
        for at, check in enumerate(spec.checks):
            yield from _told(("checks", at, "rule"), partial(_try_rule, sql, check))
        for at, item in enumerate(spec.expectations):
            where = ("expectations", at, "python" if item.python else "sql")
            yield from _told(where, partial(_try_expectation, sql, item, find))


def _told(where: Where, attempt: Callable[[], object]) -> Iterator[tuple[Where, str, str]]:
    try:
        attempt()
    except BadInput as error:
        problem, _, mend = str(error).rstrip(".").partition("; ")
        yield where, problem, mend or "see docs/validation.md"


def _sql(spec: ModelSpec, rows: Iterator[pa.RecordBatch], stack: ExitStack) -> Sql | None:
    """The rows as a table, if anything of the spec asks for one."""
    if not spec.checks and all(item.sql is None for item in spec.expectations):
        return None
    from ..tables.sql import sql_over  # noqa: PLC0415 - see above

    return stack.enter_context(sql_over(dataset_schema(spec.columns), rows))


def _failing(check: RowCheck) -> str:
    """Rows of which the rule is false; where it is null it does not apply."""
    return f"select * from rows where not coalesce((\n{check.rule}\n), true)"  # noqa: S608 - the user's own SQL, in a sandbox


def _try_rule(sql: Sql | None, check: RowCheck) -> None:
    """Raises BadInput if the rule is no condition, or looks at a column that the check does not name."""
    assert sql is not None
    from ..tables.sql import quoted  # noqa: PLC0415 - see above

    columns = ", ".join(map(quoted, check.columns))
    query = f"select (\n{check.rule}\n) as rule from (select {columns} from rows)"  # noqa: S608 - see above
    (kind,) = sql.types(query).values()
    if kind != "BOOLEAN":
        raise BadInput(f"is of type {kind}; write a condition, such as one >= other")


def _try_expectation(sql: Sql | None, item: Expectation, find: Find) -> None:
    if item.python:
        find(item.python)
        return
    assert sql is not None
    sql.types(str(item.sql))


def _called(item: Expectation) -> str:
    return f"expectation {item.name!r}"


def _selected(sql: Sql | None, what: str, query: str) -> Found:
    assert sql is not None
    try:
        return sql.selected(query, EXAMPLES)
    except BadInput as error:
        raise BadSpec(f"{what} cannot be run: {error}; mend the spec.") from error


def _returned(item: Expectation, read: Read, find: Find) -> Found:
    """What a user's function gives; whatever it raises is its own mistake."""
    function = find(str(item.python))
    try:
        failures = iter(function(read(None)))
        examples = tuple(dict(failure) for failure in islice(failures, EXAMPLES))
        return Found(len(examples) + sum(1 for _ in failures), examples)
    except TidemillError:  # of the rows, not of the function
        raise
    except Exception as error:
        raise BadSpec(f"{_called(item)} failed with {type(error).__name__}: {error}; mend {item.python}.") from error
