import pyarrow as pa
import pytest

from core.domain.dataset import DatasetManifest, Source
from core.domain.schema import Feature, Schema
from core.tables import facts
from core.tables.arrow import dataset_schema
from core.tables.facts import dataset_facts

SCHEMA = Schema(
    model="m",
    task="binary",
    target="y",
    id="key",
    features=(
        Feature("x", "number", nullable=True, max=100),
        Feature("n", "integer"),
        Feature("c", "category", nullable=True),
        Feature("b", "boolean", nullable=True),
    ),
)
ARROW = dataset_schema(SCHEMA)


def row(number: int, **changes) -> dict:
    return {"key": f"k{number}", "x": number / 2, "n": number, "c": "ab"[number % 2], "b": None, "y": "no", **changes}


def found(rows: list, batch: int = 7):
    manifest = DatasetManifest("m", "v", "rows", Source("k", "1", "0"), SCHEMA, len(rows), 3, (), "code")

    def read(columns):
        table = pa.Table.from_pylist(rows, ARROW)
        yield from (table if columns is None else table.select(columns)).to_batches(batch)

    return dataset_facts(read, manifest)


def test_counts_of_rows_nulls_and_values():
    told = found([row(n, x=None if n < 4 else n, b=n % 4 == 0 if n else None) for n in range(20)])
    assert (told.rows, told.rejected, told.targets, told.repeated_ids, told.repeated_id) == (20, 3, 1, 0, None)
    assert told.violations == {}
    assert (told.columns["x"].rows, told.columns["x"].nulls) == (20, 4)
    assert told.columns["c"].values == {"a": 10, "b": 10}
    assert (told.columns["b"].values, told.columns["b"].nulls) == ({"false": 15, "true": 4}, 1)


def test_quantiles_are_values_of_the_column():
    column = found([row(n) for n in range(101)]).columns["n"]
    assert column.quantiles == tuple(range(101))
    assert found([row(1, x=None)]).columns["x"].quantiles == ()


def test_of_many_numbers_a_sample_is_kept(monkeypatch):
    monkeypatch.setattr(facts, "SAMPLE", 50)
    quantiles = found([row(n) for n in range(2_000)], batch=100).columns["n"].quantiles
    assert quantiles[50] == pytest.approx(1_000, abs=50)
    assert quantiles[0] < 50
    assert quantiles[-1] > 1_950


def test_categories_are_bounded(monkeypatch):
    monkeypatch.setattr(facts, "MOST_CATEGORIES", 3)
    assert found([row(n, c=f"c{n % 5}") for n in range(50)]).columns["c"].values == {"c0": 10, "c1": 10, "c2": 10}


def test_rows_that_break_the_schema_are_counted():
    told = found([row(1, x=101), row(2, x=102), row(3, n=None), row(4, y="yes")])
    assert told.violations == {("x", "is above the maximum 100"): 2, ("n", "is missing"): 1}
    assert told.targets == 2


def test_ids_that_come_again_in_any_batch():
    told = found([*(row(n) for n in range(20)), row(3), row(18), row(3)])
    assert (told.repeated_ids, told.repeated_id) == (3, "k3")
