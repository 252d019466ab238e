from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from core.domain.schema import NULL_CATEGORY, Feature, Schema
from core.tables.arrow import dataset_schema
from core.tables.columns import coded_columns, to_columns, to_features

SCHEMA = Schema(
    model="m",
    task="binary",
    target="y",
    features=(Feature("n", "number"), Feature("i", "integer"), Feature("b", "boolean"), Feature("c", "category")),
)
ROWS = [
    {"n": 0.1, "i": 3, "b": True, "c": "x", "y": "1"},
    {"n": None, "i": None, "b": None, "c": None, "y": "0"},
    {"n": -2.0, "i": 2**40, "b": False, "c": "", "y": "0"},
]
TABLE = pa.Table.from_pylist(ROWS, schema=dataset_schema(SCHEMA))


@pytest.mark.parametrize("rows", [TABLE, TABLE.to_batches()[0], pa.concat_tables([TABLE.slice(0, 1), TABLE.slice(1)])])
def test_numbers_are_float32_and_categories_are_text(rows):
    found = to_columns(rows, SCHEMA)
    assert list(found) == ["n", "i", "b", "c"]
    for name in ("n", "i", "b"):
        assert found[name].dtype == np.float32
    np.testing.assert_array_equal(found["n"], np.array([0.1, np.nan, -2], np.float32))
    np.testing.assert_array_equal(found["i"], np.array([3, np.nan, 2**40], np.float32))
    np.testing.assert_array_equal(found["b"], np.array([1, np.nan, 0], np.float32))
    assert found["c"].dtype == object
    assert found["c"].tolist() == ["x", NULL_CATEGORY, ""]


def test_no_rows():
    found = to_columns(TABLE.slice(0, 0), SCHEMA)
    assert {name: (len(values), values.dtype) for name, values in found.items()} == {
        "n": (0, np.float32),
        "i": (0, np.float32),
        "b": (0, np.float32),
        "c": (0, object),
    }


def test_rows_of_one_category_share_one_string():
    table = pa.table({"c": ["long enough not to be interned"] * 3})
    schema = Schema(model="m", task="binary", target="y", features=(Feature("c", "category"),))
    values = to_columns(table, schema)["c"]
    assert values[0] is values[2]


def some_rows(rows: int, categories: list[str]) -> pa.RecordBatch:
    rng = np.random.default_rng(7)
    return pa.record_batch(
        {
            "n": pa.array(rng.normal(size=rows), mask=rng.random(rows) < 0.1),
            "i": pa.array(rng.integers(0, 9, rows)),
            "b": pa.array(rng.random(rows) < 0.5, mask=rng.random(rows) < 0.1),
            "c": pa.array(rng.choice(categories, rows), mask=rng.random(rows) < 0.1).dictionary_encode(),
        }
    )


def test_columns_of_parts_are_those_of_all_their_rows() -> None:
    parts = [some_rows(300, ["x", "y", "z"]), some_rows(200, ["z", "w"]), some_rows(1, ["x"])]
    columns = coded_columns(to_features(part, SCHEMA) for part in parts)
    places = np.random.default_rng(8).permutation(501)
    apart = [to_columns(part, SCHEMA) for part in parts]
    for name, values in columns.take(places).items():
        np.testing.assert_array_equal(values, np.concatenate([part[name] for part in apart])[places])
    assert [len(values) for values in columns.values.values()] == [501] * 4
