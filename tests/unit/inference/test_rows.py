"""Rows of requests: what is read, what is refused, and how it is told."""

import contextlib
import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import to_builtins

from core.domain.schema import NULL_CATEGORY
from core.errors import BadInput
from core.inference.rows import RowReader
from tests import penguins
from tests.penguins import ROW

READER = RowReader(penguins.schema())


def test_a_row_becomes_one_column_a_feature() -> None:
    rows = READER.rows([ROW])
    assert rows.columns.keys() == {feature.name for feature in penguins.FEATURES}
    assert [rows.columns[name].dtype for name in ("bill_length", "flipper_length", "heavy")] == [np.float32] * 3
    assert rows.columns["island"].tolist() == [["Dream"]]
    assert rows.columns["flipper_length"].tolist() == [[186.0]]
    assert rows.columns["heavy"].tolist() == [[0.0]]


@pytest.mark.parametrize("absent", [{}, {"sex": None, "bill_length": None, "heavy": None}])
def test_a_missing_optional_feature_is_null(absent: dict[str, None]) -> None:
    rows = READER.rows([{"island": "Dream", "flipper_length": 186, **absent}])
    assert rows.columns["sex"].tolist() == [[NULL_CATEGORY]]
    assert math.isnan(rows.columns["bill_length"][0, 0])
    assert math.isnan(rows.columns["heavy"][0, 0])
    assert to_builtins(rows.features)[0]["sex"] is None


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"island": None}, "field 'island' of row 1 is missing, and it is required."),
    ({"island": "Elba"}, "field 'island' of row 1 is 'Elba', which is not one of 'Biscoe', 'Dream', 'Torgersen'."),
    ({"island": 3}, "field 'island' of row 1 must be a string, not a number (3)."),
    ({"sex": True}, "field 'sex' of row 1 must be a string, not a boolean (true)."),
    ({"bill_length": "39.5"}, "field 'bill_length' of row 1 must be a number, not a string ('39.5')."),
    ({"bill_length": True}, "field 'bill_length' of row 1 must be a number, not a boolean (true)."),
    ({"bill_length": [1]}, "field 'bill_length' of row 1 must be a number, not an array."),
    ({"bill_length": {}}, "field 'bill_length' of row 1 must be a number, not an object."),
    ({"bill_length": 100.5}, "field 'bill_length' of row 1 is 100.5, above the maximum 100."),
    ({"bill_length": -1}, "field 'bill_length' of row 1 is -1, below the minimum 0."),
    (
        {"bill_length": math.nan},
        "field 'bill_length' of row 1 must be a finite number; send null for a missing value.",
    ),
    ({"flipper_length": 186.5}, "field 'flipper_length' of row 1 must be a whole number, not 186.5."),
    ({"flipper_length": 10**400}, "field 'flipper_length' of row 1 is about 2^1328, above the maximum 300."),
    ({"heavy": 1}, "field 'heavy' of row 1 must be true or false, not a number (1)."),
    ({"wings": 2}, "field 'wings' of row 1 is unknown to model penguins: its features are island, sex, "),
    ({"species": "Adelie"}, "field 'species' of row 1 is what model penguins predicts: leave it out."),
    ({"tag": []}, "field 'tag' of row 1 must be a string, not an array."),
    ({"seen": "0001-01-01T00:00+10:00"}, "field 'seen' of row 1 must be an RFC 3339 time or date"),
    ({"seen": "yesterday"}, "field 'seen' of row 1 must be an RFC 3339 time or date, not 'yesterday'."),
]


@pytest.mark.parametrize(("change", "message"), WRONG)
def test_what_does_not_fit_is_named_with_its_row(change: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInput) as refused:
        READER.rows([ROW, {**ROW, **change}])
    assert str(refused.value).startswith(message)


@pytest.mark.parametrize(
    ("row", "kind"), [(3, "a number (3)"), ("x", "a string ('x')"), (None, "null"), ([], "an array")]
)
def test_a_row_is_an_object(row: object, kind: str) -> None:
    with pytest.raises(BadInput, match="row 0 must be an object"):
        READER.rows([row])


@pytest.mark.parametrize("read", [READER.rows, READER.columns])
def test_no_rows_are_refused(read: Any) -> None:
    with pytest.raises(BadInput, match="holds no rows"):
        read([] if read == READER.rows else {})


def test_integers_are_numbers_and_whole_floats_are_integers() -> None:
    rows = READER.rows([{**ROW, "bill_length": 39, "flipper_length": 186.0}])
    assert (rows.columns["bill_length"][0, 0], rows.columns["flipper_length"][0, 0]) == (39, 186)


def test_a_number_that_float32_cannot_hold_is_out_of_range() -> None:
    free = RowReader(penguins.schema(features=(penguins.Feature("x", "number"),)))
    with pytest.raises(BadInput, match="above the maximum 3"):
        free.rows([{"x": 1e39}])


def test_columns_beside_the_features_are_recorded_as_text_and_are_no_inputs() -> None:
    extra = {"tag": 17, "seen": "2026-11-24T12:00:00+02:00", "colony": True}
    rows = READER.rows([{**ROW, **extra}, ROW])
    assert (rows.ids, rows.times) == (["17", None], ["2026-11-24T10:00:00+00:00", None])
    assert rows.sensitive == {"colony": ["true", None]}
    assert not {"tag", "seen", "colony"} & (rows.columns.keys() | to_builtins(rows.features)[0].keys())


def test_declared_personal_columns_are_thrown_away() -> None:
    rows = READER.rows([{**ROW, "observer": "Dr. Gorman"}])
    assert "Gorman" not in repr(rows)


def test_undeclared_columns_are_thrown_away_where_the_spec_says_so() -> None:
    reader = RowReader(penguins.schema(undeclared="drop"))
    assert to_builtins(reader.rows([{**ROW, "wings": 2}]).features) == [ROW]
    with pytest.raises(BadInput, match="what model penguins predicts"):
        reader.rows([{**ROW, "species": "Adelie"}])


def test_a_sensitive_column_that_is_a_feature_too_is_an_input_once() -> None:
    rows = RowReader(penguins.schema(sensitive=("sex",))).rows([ROW])
    assert rows.sensitive is None
    assert to_builtins(rows.features) == [ROW]


def test_columns_of_unlike_length_are_refused() -> None:
    with pytest.raises(BadInput, match="'flipper_length' has 2 values, but field 'island' has 1"):
        READER.columns({"island": ["Dream"], "flipper_length": [186, 190]})


row_lists = st.lists(
    st.fixed_dictionaries(
        {"island": st.sampled_from(["Biscoe", "Dream"]), "flipper_length": st.integers(100, 300)},
        optional={
            "sex": st.none() | st.text(),
            "bill_length": st.none() | st.floats(0, 100),
            "heavy": st.none() | st.booleans(),
            "tag": st.none() | st.text(),
        },
    ),
    min_size=1,
    max_size=5,
)


@given(row_lists)
def test_rows_and_columns_read_alike(rows: list[dict[str, Any]]) -> None:
    names = {name for row in rows for name in row}
    by_rows, by_columns = READER.rows(rows), READER.columns({name: [row.get(name) for row in rows] for name in names})
    assert by_rows.features == by_columns.features
    assert by_rows.ids == by_columns.ids
    for name, values in by_rows.columns.items():
        np.testing.assert_array_equal(values, by_columns.columns[name])


@given(row_lists)
def test_a_body_is_read_as_its_rows_are(rows: list[dict[str, Any]]) -> None:
    decoded, one_pass = READER.rows(rows), READER.instances(json.dumps({"instances": rows}).encode())
    assert one_pass is not None
    assert (one_pass.features, one_pass.ids) == (decoded.features, decoded.ids)


OTHER_FORMS = [
    b"",
    b"{}",
    b"[]",
    b'{"instances": []}',
    b'{"instances": [{}]}',
    b'{"instances": [{"x": "\xff"}]}',
    b"[" * 9999,
]


@pytest.mark.parametrize("body", OTHER_FORMS)
def test_a_body_of_another_form_is_left_to_others(body: bytes) -> None:
    assert READER.instances(body) is None


def test_a_body_of_rows_and_columns_is_left_to_others() -> None:
    assert READER.instances(json.dumps({"instances": [ROW], "inputs": {}}).encode()) is None


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(st.lists(st.dictionaries(st.sampled_from([*ROW, "tag", "seen", "colony", "wings"]), json_values), max_size=3))
def test_any_rows_are_read_or_refused(rows: list[Any]) -> None:
    with contextlib.suppress(BadInput):
        assert READER.rows(rows).count == len(rows)
