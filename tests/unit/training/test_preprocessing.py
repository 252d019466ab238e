"""What an estimator is given of each column."""

from __future__ import annotations

import numpy as np
import pytest

from core.domain.schema import NULL_CATEGORY, Feature, Schema
from core.training.preprocessing import MOST_CATEGORIES, frame, transformer

SCHEMA = Schema("m", "binary", "y", (Feature("x", "number", True), Feature("c", "category", True)))
COLUMNS = {
    "x": np.array([1, np.nan, 3, 4], np.float32),
    "c": np.array(["b", "b", NULL_CATEGORY, "a"], object),
}
ASKED = {"x": np.array([np.nan, 2], np.float32), "c": np.array(["new", "a"], object)}


def prepared(how, asked=ASKED, columns=COLUMNS):
    fitted = transformer(columns, SCHEMA, how).fit(frame(columns, SCHEMA))
    return fitted.transform(frame(asked, SCHEMA))


def test_trees_get_medians_and_places():
    assert prepared("trees").tolist() == [[3, -1], [2, 1]]


def test_trees_with_nulls_keep_them():
    found = prepared("trees with nulls")
    assert np.isnan(found[0, 0])
    assert found[:, 1].tolist() == [-1, 1]


def test_linear_gets_standardised_numbers_and_all_categories_but_the_most_frequent():
    found = prepared("linear")
    assert found.shape == (2, 3)
    assert found[:, 1:].tolist() == [[0, 0], [0, 1]]
    again = prepared("linear", asked=COLUMNS)
    assert again[:, 0].mean() == pytest.approx(0, abs=1e-6)
    assert again[:, 1:].tolist() == [[0, 0], [0, 0], [1, 0], [0, 1]]


def test_dense_gets_every_category():
    assert prepared("dense").tolist() == [[3, 0, 0, 0], [2, 0, 1, 0]]


@pytest.mark.parametrize("how", ["linear", "trees", "trees with nulls", "dense"])
def test_empty_and_single_valued_columns_stay_columns(how):
    columns = {"x": np.full(4, np.nan, np.float32), "c": np.full(4, "only", object)}
    found = prepared(how, columns=columns)
    assert found.shape == (2, 2)
    assert found[:, 0].tolist() in ([0, 0], [0, 2])
    assert found.dtype == np.float32


@pytest.mark.parametrize("how", ["linear", "dense", "trees"])
def test_rare_categories_count_as_unseen(how):
    names = [f"v{number:03d}" for number in range(400)]
    columns = {"x": np.zeros(800, np.float32), "c": np.array(names * 2, object)}
    columns["c"][:10] = "v399"
    found = prepared(how, asked=columns, columns=columns)
    if how == "trees":
        assert len(np.unique(found[:, 1])) == MOST_CATEGORIES + 1
    else:
        assert found.shape[1] == 1 + MOST_CATEGORIES - (how == "linear")


def test_a_frame_holds_what_is_served():
    made = frame(COLUMNS, SCHEMA)
    assert [str(kind) for kind in made.dtypes] == ["float32", "object"]
    assert list(made.columns) == ["x", "c"]
