"""The bars that a drift report keeps of each column: whole, few, and in the same places on both sides."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from core.domain.drift.distribution import BINS, LONGEST_CATEGORY, MOST_CATEGORIES, distribution
from core.domain.drift.tally import tally
from core.domain.schema import NULL_CATEGORY
from core.domain.sketch import CategoryCounts, NumberSketch

numbers = st.floats(allow_nan=False, allow_infinity=False, width=32)
nulls = st.just(float("nan"))
columns = st.lists(st.one_of(numbers, nulls), max_size=60).map(lambda found: np.array(found, np.float32))
names = st.lists(st.sampled_from(["a", "b", "x" * 90, NULL_CATEGORY, "", *map(str, range(12))]), max_size=60)


@given(columns, columns)
def test_a_number_is_counted_whole_on_both_sides(reference, window):
    sketch = NumberSketch.of(reference)
    found = distribution(sketch, tally(sketch, window))
    if not sketch.count:
        assert found is None
        return
    assert sum(found.reference) == sketch.count
    assert sum(found.current) == int((~np.isnan(window)).sum())
    assert min(found.reference + found.current) >= 0
    assert len(found.edges) == len(found.reference) + 1 <= BINS + 1


@given(names, names)
def test_a_category_is_counted_whole_on_both_sides(reference, window):
    counts = CategoryCounts.of(np.array(reference, dtype=object))
    found = distribution(counts, tally(counts, np.array(window, dtype=object)))
    if found is None:
        assert not counts.count
        return
    rest = found.rest or (0, 0)
    assert sum(found.reference) + rest[0] == counts.count
    assert sum(found.current) + rest[1] == sum(name != NULL_CATEGORY for name in window)
    assert len(found.names) <= MOST_CATEGORIES
    assert max(map(len, found.names), default=0) <= LONGEST_CATEGORY


def test_whole_numbers_have_bars_that_hold_equally_many_of_them():
    hours = NumberSketch.of(np.repeat(np.arange(48.0), 10))
    found = distribution(hours, tally(hours, np.arange(12.0)))
    assert set(found.reference) == {20}
    assert found.current[:7] == (2, 2, 2, 2, 2, 2, 0)
    assert found.ends == (0, 47)


def test_a_window_far_away_is_in_the_outermost_bars():
    sketch = NumberSketch.of(np.linspace(0, 1, 500))
    found = distribution(sketch, tally(sketch, np.array([-50.0, 70.0, 80.0])))
    assert (found.current[0], found.current[-1]) == (1, 2)
