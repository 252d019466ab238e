"""Which rows are held out: nothing on both sides, nothing that hangs on the order of rows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from core.domain.learning import Rows
from core.errors import BadInput
from core.training.split import by_hash, by_time, identities

SHARE = st.floats(0.05, 0.95)


def ids(numbers) -> np.ndarray:
    return np.array([f"id{number}" for number in numbers], object)


def held_ids(of: np.ndarray, share: float) -> set[str]:
    _, holdout = by_hash(identities(Rows({}, of), of), len(of), share)
    return set(of[holdout].tolist())


@settings(deadline=None)
@given(st.lists(st.integers(0, 30), min_size=2, max_size=200), SHARE)
def test_no_instant_is_on_both_sides_and_the_holdout_is_last(times, share):
    moments = np.array(times)
    assume(len(set(times)) > 1)
    training, holdout = by_time(moments, share)
    assert sorted([*training, *holdout]) == list(range(len(times)))
    assert moments[training].max() < moments[holdout].min()
    assert list(moments[training]) == sorted(moments[training])


def test_the_share_is_met_where_times_differ():
    training, holdout = by_time(np.random.default_rng(1).permutation(1000), 0.2)
    assert (len(training), len(holdout)) == (800, 200)


def test_one_instant_cannot_be_split():
    with pytest.raises(BadInput, match="all rows have the same time"):
        by_time(np.full(9, 5), 0.2)


@settings(deadline=None)
@given(st.lists(st.integers(0, 10**6), min_size=2, max_size=300, unique=True), SHARE, st.randoms())
def test_the_order_of_rows_does_not_matter(numbers, share, random):
    shuffled = numbers.copy()
    random.shuffle(shuffled)
    assert held_ids(ids(numbers), share) == held_ids(ids(shuffled), share)


@settings(deadline=None)
@given(st.lists(st.integers(0, 20), min_size=2, max_size=100), SHARE)
def test_one_id_is_never_on_both_sides(numbers, share):
    of = ids(numbers)
    training, holdout = by_hash(identities(Rows({}, of), of), len(of), share)
    assert sorted([*training, *holdout]) == list(range(len(of)))
    assert not set(of[training]) & set(of[holdout])


def test_rows_keep_their_side_when_others_join():
    before, after = held_ids(ids(range(2000)), 0.3), held_ids(ids(range(9000)), 0.3)
    assert before == after & set(ids(range(2000)))
    assert len(before) / 2000 == pytest.approx(0.3, abs=0.03)


@pytest.mark.parametrize("rows", range(2, 12))
def test_a_few_rows_are_split_all_the_same(rows):
    for share in (0.01, 0.5, 0.99):
        training, holdout = by_hash(identities(Rows({}, ids(range(rows))), ids(range(rows))), rows, share)
        assert len(training)
        assert len(holdout)


def test_without_an_id_equal_rows_stay_together():
    random = np.random.default_rng(2)
    columns = {"x": random.integers(0, 50, 400).astype(np.float32), "c": random.choice(["a", "b"], 400).astype(object)}
    columns["x"][::9] = np.nan
    rows = Rows(columns, random.choice(["y", "n"], 400).astype(object))
    training, holdout = by_hash(identities(rows, None), 400, 0.3)
    keys = list(zip(*(values.astype(str) for values in (*columns.values(), rows.target)), strict=True))
    assert not {keys[row] for row in training} & {keys[row] for row in holdout}
    assert len(training) > len(holdout) > 0
