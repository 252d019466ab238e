"""Like rows together: an order, and nothing but an order."""

from __future__ import annotations

import numpy as np
import pytest

from core.domain.alike import FEW_ROWS, like_together, places_before

ROWS = 4_096


def order_of(*columns: np.ndarray) -> np.ndarray:
    order = like_together([column.astype(np.float32) for column in columns], len(columns[0]))
    assert order is not None
    return order


@pytest.mark.parametrize("columns", [0, 1, 5, 16, 40])
def test_every_row_is_there_once_and_finds_back(columns: int) -> None:
    values = np.random.default_rng(columns).normal(size=(columns, ROWS)).astype(np.float32)
    order = like_together(list(values), ROWS)
    assert order is not None
    assert sorted(order.tolist()) == list(range(ROWS))
    np.testing.assert_array_equal(np.arange(ROWS)[order][places_before(order)], np.arange(ROWS))


def test_neighbours_are_on_the_same_side_of_all_columns_but_one() -> None:
    sides = np.random.default_rng(1).integers(0, 2, (6, ROWS))
    order = order_of(*sides)
    changes = np.abs(np.diff(sides[:, order], axis=1)).sum(axis=0)
    assert changes.max() <= 1
    assert changes.sum() == 2**6 - 1


def test_rows_on_one_side_go_by_whether_they_are_in_the_middle() -> None:
    values = np.repeat(np.arange(1_024), ROWS // 1_024)[::-1]
    quarters = values[order_of(values)] // 256
    np.testing.assert_array_equal(quarters, np.repeat([0, 1, 2, 3], ROWS // 4))


def test_codes_are_numbers_too() -> None:
    codes = np.random.default_rng(1).integers(0, 90, (3, ROWS)).astype(np.int32)
    np.testing.assert_array_equal(like_together(list(codes), ROWS), order_of(*codes))


def test_equal_rows_keep_their_order() -> None:
    values = np.random.default_rng(1).integers(0, 3, (40, ROWS))
    order = order_of(*values)
    same = (np.diff(values[:, order], axis=1) == 0).all(axis=0)
    assert (np.diff(order)[same] > 0).all()


def test_nulls_and_constant_columns_say_nothing_and_warn_of_nothing() -> None:
    nothing, constant = np.full(ROWS, np.nan), np.full(ROWS, 7.0)
    np.testing.assert_array_equal(order_of(nothing, constant), np.arange(ROWS))


def test_few_rows_are_left_alone() -> None:
    assert like_together([np.zeros(FEW_ROWS - 1, np.float32)], FEW_ROWS - 1) is None
