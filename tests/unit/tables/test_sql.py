"""A user's SQL runs on the rows and reaches nothing else."""

from datetime import UTC, datetime

import pyarrow as pa
import pytest

from core.errors import BadInput
from core.tables.sql import sql_over

SCHEMA = pa.schema(
    {"a": pa.int64(), 'odd "name"': pa.float64(), "s": pa.string(), "t": pa.timestamp("us", tz="UTC"), "b": pa.bool_()}
)


def batch(start: int, rows: int) -> pa.RecordBatch:
    numbers = list(range(start, start + rows))
    columns = [numbers, [number / 2 for number in numbers], ["x"] * rows, [datetime(2026, 5, 1, tzinfo=UTC)] * rows]
    return pa.record_batch([*columns, [None] * rows], schema=SCHEMA)


@pytest.fixture
def sql():
    with sql_over(SCHEMA, (batch(start, 10) for start in (0, 10))) as found:
        yield found


def test_rows_of_every_batch_are_counted_and_the_first_are_shown(sql):
    found = sql.selected("select a, s from rows where a >= 5 order by a", 2)
    assert found.rows == 15
    assert found.examples == ({"a": 5, "s": "x"}, {"a": 6, "s": "x"})


@pytest.mark.parametrize(
    ("statement", "rows"),
    [
        ('select * from rows where "odd ""name""" > 9', 1),
        ("with big as (select * from rows where a > 17) select * from big;", 2),
        ("select r.a from rows r join rows o on r.a = o.a", 20),
        ("select s, count(*) as n from rows group by s having count(*) <> 20", 0),
        ("select * from rows where t < timestamptz '2026-05-01 00:00:00+01:00'", 0),
        ("select * from rows where b is null -- a comment at the end", 20),
        ("from rows where a = 3", 1),
    ],
)
def test_any_one_select_can_be_asked(sql, statement, rows):
    assert sql.selected(statement, 5).rows == rows


def test_a_table_without_rows_has_the_columns_still():
    with sql_over(SCHEMA) as sql:
        assert sql.selected("select * from rows", 5).rows == 0
        assert sql.types("select a, s, t, b from rows") == {
            "a": "BIGINT",
            "s": "VARCHAR",
            "t": "TIMESTAMP WITH TIME ZONE",
            "b": "BOOLEAN",
        }


@pytest.mark.parametrize(
    "statement",
    [
        "",
        "-- nothing",
        "select 1; select 2",
        "drop table rows",
        "delete from rows",
        "set memory_limit = '10GB'",
        "attach ':memory:' as other",
        "copy rows to '{folder}/stolen.csv'",
        "install httpfs",
        "pragma database_list",
        "create table other as select 1",
    ],
)
def test_nothing_but_one_select_is_run(sql, statement, tmp_path):
    with pytest.raises(BadInput, match="it must be one SELECT and nothing else"):
        sql.selected(statement.format(folder=tmp_path), 5)
    assert sql.selected("select * from rows", 1).rows == 20


@pytest.mark.parametrize(
    "statement",
    [
        "select * from read_csv('{file}')",
        "select * from '{file}'",
        "select * from read_text('{file}')",
        "select * from glob('{folder}/*')",
        "select * from 'https://example.org/a.parquet'",
        "select * from read_parquet('s3://bucket/a.parquet')",
        "select * from sqlite_scan('{file}', 'a')",
        "select getenv('HOME')",
        "select * from local_table",
        "select * from (copy rows to '{folder}/stolen.csv')",
    ],
)
def test_no_file_no_network_and_nothing_of_this_process_is_reached(sql, statement, tmp_path):
    local_table = pa.table({"secret": [1]})
    assert len(local_table) == 1
    (tmp_path / "a.csv").write_text("secret\n1\n")
    with pytest.raises(BadInput):
        sql.selected(statement.format(file=tmp_path / "a.csv", folder=tmp_path), 5)
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]


@pytest.mark.parametrize(
    ("statement", "sentence"),
    [
        ("select * from rows where z > 1", 'Referenced column "z" not found'),
        ("selec 1", "syntax error"),
        ("select cast(s as integer) from rows", "Could not convert"),
        ("select $1", "parameters"),
    ],
)
def test_a_mistake_is_told_in_one_line(sql, statement, sentence):
    with pytest.raises(BadInput, match=sentence) as error:
        sql.selected(statement, 5)
    assert "\n" not in str(error.value)


def test_a_statement_that_takes_too_long_is_stopped():
    with sql_over(SCHEMA, [batch(0, 10)], seconds=0.2) as sql:
        with pytest.raises(BadInput, match=r"it takes longer than 0\.2 seconds"):
            sql.selected("select * from range(100000000000) as big where big.range * 2 % 7 = 3", 5)
        assert sql.selected("select * from rows", 5).rows == 10


def test_a_statement_that_takes_too_much_memory_is_refused(sql):
    with pytest.raises(BadInput, match="it needs more than 256MB of memory"):
        sql.selected("select string_agg(x) as whole from (select repeat('x', 1000) as x from range(10000000))", 5)


def test_nothing_is_left_behind(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with sql_over(SCHEMA, [batch(0, 10)]) as sql:
        sql.selected("select * from rows", 5)
        assert list(tmp_path.iterdir())
    assert list(tmp_path.iterdir()) == []
