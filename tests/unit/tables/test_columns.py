from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from core.domain.schema import NULL_CATEGORY, Feature, Schema
from core.tables.arrow import dataset_schema
from core.tables.columns import to_columns, to_like_columns

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


def test_rows_that_are_asked_together_are_the_same_rows():
    rows, rng = 3_000, np.random.default_rng(7)
    table = pa.table(
        {
            "n": pa.array(rng.normal(size=rows), mask=rng.random(rows) < 0.1),
            "i": pa.array(rng.integers(0, 9, rows)),
            "b": pa.array(rng.random(rows) < 0.5, mask=rng.random(rows) < 0.1),
            "c": pa.array(rng.choice(["x", "y", "z"], rows), mask=rng.random(rows) < 0.1),
        }
    )
    plain = to_columns(table, SCHEMA)
    like, order = to_like_columns(table, SCHEMA)
    assert order is not None
    assert order.tolist() != list(range(rows))
    assert list(like) == list(plain)
    for name, values in plain.items():
        np.testing.assert_array_equal(like[name], values[order])


def test_few_rows_keep_their_order():
    assert to_like_columns(TABLE, SCHEMA)[1] is None
