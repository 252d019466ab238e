"""What is proven clean at a glance is what the search for mistakes would find clean, value by value."""

from __future__ import annotations

import math

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.adapters.store_memory import MemoryStore
from core.domain.columns import Columns
from core.domain.schema import NULL_CATEGORY, Feature, Schema
from core.tables.checked import Checker
from core.tables.columns import to_columns
from core.tables.raw import RawBatch, number_rows
from tests.unit.tables.test_read_parquet import encoded

from core.tables.input_parts import input_parts  # isort: skip

SCHEMA = Schema(
    model="m",
    task="binary",
    target="y",
    features=(
        Feature("n", "number", nullable=True, min=-5, max=5),
        Feature("c", "category", nullable=True, values=("a", "b", "")),
        Feature("t", "category", nullable=True),
        Feature("i", "integer", max=3),
    ),
)
NUMBER = st.one_of(st.none(), st.floats(-7, 7), st.sampled_from([math.nan, math.inf, -math.inf, 1e308]))
NUMBERS = st.lists(NUMBER, min_size=4, max_size=4)
TEXTS = st.lists(st.sampled_from([None, "a", "b", "z", "", "x" * 4_097]), min_size=4, max_size=4)
INTEGERS = st.lists(st.one_of(st.none(), st.integers(0, 5)), min_size=4, max_size=4)


def read(
    columns: dict[str, pa.Array], rows: slice, *, coded: bool
) -> tuple[Columns, list[int], list[tuple[int, object]]]:
    batch = pa.RecordBatch.from_pydict(columns)[rows]
    numbers = number_rows(0, 4, ())[rows]
    checked = Checker("m/score/f.parquet", SCHEMA, "score", coded=coded).read(RawBatch(tuple(columns), batch, numbers))
    found = [(row.row, row.reasons) for row in checked.rejected]
    return to_columns(checked.good, SCHEMA), checked.rows.tolist(), found


@given(NUMBERS, TEXTS, TEXTS, INTEGERS)
def test_a_row_is_judged_alike_alone_and_among_others_coded_or_not(numbers, closed, texts, integers):
    plain = {
        "n": pa.array(numbers, pa.float64(), from_pandas=False),
        "c": pa.array(closed, pa.string()),
        "t": pa.array(texts, pa.string()),
        "i": pa.array(integers, pa.int64()),
    }
    coded = {name: column.dictionary_encode() if name in "ct" else column for name, column in plain.items()}
    whole = read(plain, slice(0, 4), coded=False)
    for columns in (plain, coded):
        for keep_coded in (False, True):
            again = read(columns, slice(0, 4), coded=keep_coded)
            assert again[1:] == whole[1:]
            for name, values in whole[0].items():
                np.testing.assert_array_equal(again[0][name], values)
    alone = [read(coded, slice(row, row + 1), coded=True) for row in range(4)]
    assert [row for one in alone for row in one[1]] == whole[1]
    assert [reason for one in alone for reason in one[2]] == whole[2]


@pytest.mark.parametrize("values", [["a"] * 40 + [None] * 40, ["a", "b", None, "zz"] * 20])
def test_text_of_a_file_comes_as_codes_and_reads_as_text(values):
    store = MemoryStore()
    info = store.put("f.parquet", encoded(pa.table({"t": values})))
    (part,) = input_parts(store, info, {"t"}, {"t"}, lambda _number: True)
    assert pa.types.is_dictionary(part.raw.batch.column("t").type)
    schema = Schema("m", "binary", "y", (Feature("t", "category", nullable=True),))
    checked = Checker("f.parquet", schema, "score", coded=True).read(part.raw)
    expected = [NULL_CATEGORY if value is None else value for value in values]
    assert to_columns(checked.good, schema)["t"].tolist() == expected
