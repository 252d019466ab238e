"""A sketch of parts is one of the whole within the error that it states, and that error is small."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from core.domain.schema import NULL_CATEGORY
from core.domain.sketch import EDGES, CategoryCounts, NumberSketch, located, merged, ordered_values
from core.domain.sketch.categories import CATEGORIES

SEEDS = st.integers(0, 2**32 - 1)


def numbers(rng: np.random.Generator) -> NDArray[np.float32]:
    """Smooth, discrete, skewed, constant or infinite; a few nulls; at times nothing."""
    values = rng.normal(rng.normal(), rng.uniform(0.1, 3), rng.choice([0, 1, 50, 799, 4000]))
    values = values.round(rng.choice([0, 1, 9])) * rng.choice([1, 1, 1, 0])
    values = np.exp(values) if rng.random() < 0.3 else values
    values[rng.random(len(values)) < 0.02] = np.nan
    values[rng.random(len(values)) < 0.001] = np.inf
    return values.astype(np.float32)


@given(SEEDS, st.integers(1, 8))
def test_numbers_of_parts_are_those_of_the_whole_within_the_stated_error(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    parts = [numbers(rng) for _ in range(count)]
    whole = np.concatenate(parts)
    made = merged([NumberSketch.of(part) for part in parts])
    assert isinstance(made, NumberSketch)
    ordered = ordered_values(whole)
    below, upto = located(ordered, made.edges)
    assert np.abs(made.below - below).max(initial=0) <= made.error
    assert np.abs(made.upto - upto).max(initial=0) <= made.error
    assert (made.rows, made.count) == (len(whole), len(ordered))
    assert len(made.edges) <= EDGES
    if len(ordered):
        assert (made.minimum, made.maximum) == (NumberSketch.of(whole).minimum, NumberSketch.of(whole).maximum)
        assert made.mean == pytest.approx(ordered.mean(dtype=np.float64), rel=1e-9, abs=1e-9)
        assert made.deviation == pytest.approx(ordered.std(dtype=np.float64), rel=1e-6, abs=1e-9)


@given(SEEDS, st.integers(2, 8))
def test_the_stated_error_is_small_whatever_the_number_of_parts(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    made = merged([NumberSketch.of(numbers(rng)) for _ in range(count)])
    assert isinstance(made, NumberSketch)
    assert made.error <= made.count / (EDGES - 2) + count
    assert made.resolution <= 3 / (EDGES - 2) + count / max(made.count, 1)


@given(SEEDS)
def test_what_was_merged_can_be_merged(seed: int) -> None:
    rng = np.random.default_rng(seed)
    parts = [numbers(rng) for _ in range(4)]
    halves = [merged([NumberSketch.of(part) for part in pair]) for pair in (parts[:2], parts[2:])]
    made = merged(halves)
    assert isinstance(made, NumberSketch)
    below, _ = located(ordered_values(np.concatenate(parts)), made.edges)
    assert np.abs(made.below - below).max(initial=0) <= made.error


def test_values_that_all_parts_keep_are_merged_exactly() -> None:
    parts = [np.repeat(np.arange(300.0), repeats) for repeats in (3, 7)]
    assert merged([NumberSketch.of(part) for part in parts]) == NumberSketch.of(np.concatenate(parts))


@given(SEEDS, st.integers(1, 5))
def test_few_categories_of_parts_are_those_of_the_whole(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    parts = [rng.choice(np.array(["a", "b", "é", NULL_CATEGORY], object), rng.integers(0, 50)) for _ in range(count)]
    whole = CategoryCounts.of(np.concatenate(parts))
    assert merged([CategoryCounts.of(part) for part in parts]) == whole


@given(SEEDS, st.integers(2, 4))
def test_many_categories_are_within_the_stated_error(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    names = np.array([f"user {number}" for number in range(3_000)], dtype=object)
    parts = [names[np.minimum(rng.geometric(0.002, 6_000), 2_999)] for _ in range(count)]
    whole = np.concatenate(parts)
    made = merged([CategoryCounts.of(part) for part in parts])
    assert isinstance(made, CategoryCounts)
    for name, rows in made.counts.items():
        assert 0 <= (whole == name).sum() - rows <= made.error
    assert made.buckets == CategoryCounts.of(whole).buckets
    assert sum(made.counts.values()) + made.other == made.count == len(whole)
    assert len(made.counts) <= CATEGORIES
    assert made.error < len(whole) / 500
