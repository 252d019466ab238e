"""Every test on its own, against scipy on the full data."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import spatial, stats

from core.domain.drift.contingency import (
    LEAST_EXPECTED,
    category_table,
    chi_squared,
    g_test,
    jensen_shannon,
    number_table,
    pooled,
    population_stability,
)
from core.domain.drift.correction import benjamini_hochberg
from core.domain.drift.kolmogorov_smirnov import kolmogorov_smirnov
from core.domain.drift.proportions import expected_unseen, more_often, two_proportions
from core.domain.drift.tally import category_tally, number_tally
from core.domain.schema import NULL_CATEGORY
from core.domain.sketch import CategoryCounts, NumberSketch

SEEDS = st.integers(0, 2**32 - 1)
SIZES = st.sampled_from([30, 300, 799, 801, 4000])
COUNTS = st.integers(0, 3000)


def sample(rng: np.random.Generator, rows: int) -> NDArray[np.float32]:
    """Smooth, discrete, constant or heavy with ties; a few nulls and infinities."""
    values = rng.normal(rng.normal(0, 0.3), rng.uniform(0.5, 2), rows).round(rng.choice([0, 1, 9]))
    values *= rng.choice([1, 1, 1, 0])
    values[rng.random(rows) < 0.03] = np.inf
    values[rng.random(rows) < 0.03] = -np.inf
    values[rng.random(rows) < rng.choice([0, 0.1])] = np.nan
    return values.astype(np.float32)


@given(SEEDS, SIZES, SIZES)
def test_ks_is_that_of_the_full_data_within_the_resolution(seed: int, first: int, second: int) -> None:
    rng = np.random.default_rng(seed)
    reference, window = sample(rng, first), sample(rng, second)
    known = NumberSketch.of(reference)
    ours = kolmogorov_smirnov(known, number_tally(known, window))
    full = [np.nan_to_num(values[~np.isnan(values)], posinf=3e38, neginf=-3e38) for values in (reference, window)]
    assert ours is not None
    theirs = stats.ks_2samp(*full, method="asymp")
    assert theirs.statistic - known.resolution - 1e-9 <= ours.statistic <= theirs.statistic + 1e-9
    exact = kolmogorov_of(theirs.statistic, len(full[0]), len(full[1]))
    assert ours.p >= exact - 1e-9


def test_ks_needs_values_on_both_sides() -> None:
    some, none = np.ones(9), np.full(9, np.nan)
    for first, second in ((some, none), (none, some), (none, none)):
        known = NumberSketch.of(first)
        assert kolmogorov_smirnov(known, number_tally(known, second)) is None


def kolmogorov_of(statistic: float, first: int, second: int) -> float:
    return float(stats.kstwobign.sf(statistic * np.sqrt(first * second / (first + second))))


@given(st.lists(st.tuples(COUNTS, COUNTS), min_size=2, max_size=20))
def test_chi_squared_is_scipys(counts: list[tuple[int, int]]) -> None:
    table = pooled(np.array(counts).T)
    ours = chi_squared(table)
    if table.shape[1] < 2:
        assert (ours.statistic, ours.p) == (0, 1)
        return
    theirs = stats.chi2_contingency(table, correction=False)
    assert ours.statistic == pytest.approx(theirs.statistic, rel=1e-9, abs=1e-9)
    assert ours.p == pytest.approx(theirs.pvalue, rel=1e-9, abs=1e-300)
    assert 0 <= ours.effect <= 1


@given(st.lists(st.tuples(COUNTS, COUNTS), min_size=2, max_size=20))
def test_g_is_scipys(counts: list[tuple[int, int]]) -> None:
    table = pooled(np.array(counts).T)
    ours = g_test(table)
    if table.shape[1] < 2:
        assert (ours.statistic, ours.p) == (0, 1)
        return
    theirs = stats.chi2_contingency(table, correction=False, lambda_="log-likelihood")
    assert ours.statistic == pytest.approx(theirs.statistic, rel=1e-9, abs=1e-9)
    assert ours.p == pytest.approx(theirs.pvalue, rel=1e-7, abs=1e-300)


@given(st.lists(st.tuples(COUNTS, COUNTS), min_size=2, max_size=20))
def test_jensen_shannon_is_scipys(counts: list[tuple[int, int]]) -> None:
    table = np.array(counts).T[:, np.array(counts).sum(axis=1) > 0]
    ours = jensen_shannon(table)
    if table.shape[1] < 2 or not table.sum(axis=1).all():
        assert ours.statistic == 0
        return
    assert ours.statistic**2 == pytest.approx(spatial.distance.jensenshannon(*table, base=2) ** 2, abs=1e-12)
    assert 0 <= ours.effect <= ours.statistic <= 1 + 1e-12


@given(st.lists(st.tuples(COUNTS, COUNTS), min_size=1, max_size=20))
def test_pooling_loses_no_row_and_leaves_no_rare_cell(counts: list[tuple[int, int]]) -> None:
    table = np.array(counts).T
    cells = pooled(table)
    assert cells.sum(axis=1).tolist() == table.sum(axis=1).tolist()
    if cells.shape[1] > 1:
        assert stats.contingency.expected_freq(cells).min() >= LEAST_EXPECTED - 1e-9


def test_pooling_does_not_tell_the_sides_apart() -> None:
    table = np.random.default_rng(0).poisson(3, (2, 200))
    assert pooled(table[::-1])[::-1].tolist() == pooled(table).tolist()


@given(st.lists(st.tuples(st.integers(1, 3000), st.integers(1, 3000)), min_size=2, max_size=12))
def test_psi_is_its_textbook_formula(counts: list[tuple[int, int]]) -> None:
    table = np.array(counts).T
    shares = table / table.sum(axis=1, keepdims=True)
    textbook = sum((now - then) * np.log(now / then) for then, now in shares.T)
    assert population_stability(table).statistic == pytest.approx(textbook, abs=1e-12)


def test_psi_of_an_emptied_bin_is_finite() -> None:
    assert 1 < population_stability(np.array([[500, 500], [1000, 0]])).statistic < 10


@given(SEEDS)
def test_number_bins_hold_every_value_once(seed: int) -> None:
    rng = np.random.default_rng(seed)
    known = NumberSketch.of(sample(rng, 3000))
    window = number_tally(known, sample(rng, 500))
    table = number_table(known, window)
    assert table.sum(axis=1).tolist() == [known.count, window.count]
    assert table.min() >= 0


def test_smooth_numbers_are_binned_by_deciles() -> None:
    known = NumberSketch.of(np.arange(10_000.0))
    table = number_table(known, number_tally(known, np.arange(10_000.0)))
    assert np.abs(table[0] - 1000).max() <= 10_000 * known.resolution + 1


def test_new_and_vanished_categories_have_their_columns() -> None:
    known = CategoryCounts.of(np.array(["a", "b", "b", NULL_CATEGORY], dtype=object))
    table = category_table(known, category_tally(np.array(["b", "c", NULL_CATEGORY], dtype=object)))
    assert table.tolist() == [[1, 2, 0], [0, 1, 1]]


@given(st.integers(0, 400), st.integers(0, 4000), st.integers(0, 400), st.integers(0, 4000))
def test_two_proportions_are_scipys(first: int, others: int, second: int, rest: int) -> None:
    table = np.array([[first, others], [second, rest]])
    rows = (first + others, second + rest)
    ours = two_proportions((first, second), rows)
    if not all(rows):
        assert ours is None
        return
    assert ours is not None
    assert ours.statistic == pytest.approx(second / rows[1] - first / rows[0])
    if min(table.sum(axis=0)) * min(rows) < 10 * sum(rows):
        assert ours.p == pytest.approx(stats.fisher_exact(table).pvalue, rel=1e-6, abs=1e-12)
    else:
        assert ours.p == pytest.approx(stats.chi2_contingency(table, correction=False).pvalue, rel=1e-9, abs=1e-300)


def test_more_often_is_one_sided() -> None:
    fewer, more = more_often((30, 1000), (10, 1000)), more_often((10, 1000), (30, 1000))
    assert fewer is not None
    assert more is not None
    assert (fewer.p, fewer.effect) == (1.0, 0.0)
    assert more.p < 0.01
    assert more_often((0, 0), (1, 5)) is None


def test_new_categories_where_new_ones_are_to_be_expected_are_no_finding() -> None:
    """2,000 categories alike, 5,000 rows: 8 % of any other rows are of categories that were not among them."""
    rng = np.random.default_rng(0)
    low = 0
    for _ in range(2_000):
        reference, window = rng.multinomial(5_000, [1 / 2_000] * 2_000), rng.multinomial(2_000, [1 / 2_000] * 2_000)
        expected = expected_unseen(dict(zip(map(str, range(2_000)), reference.tolist(), strict=True)))
        result = more_often(expected, (int(window[reference == 0].sum()), 2_000))
        assert result is not None
        low += result.p < 0.01
    assert low <= 2_000 * 0.01 + 3 * np.sqrt(2_000 * 0.01)


@given(st.lists(st.floats(0, 1), max_size=50))
def test_q_is_scipys(p_values: list[float]) -> None:
    theirs = stats.false_discovery_control(p_values) if p_values else []
    assert benjamini_hochberg(p_values) == pytest.approx(list(theirs), abs=1e-12)


@given(SEEDS, st.integers(0, 1000))
def test_a_window_in_parts_counts_as_one(seed: int, cut: int) -> None:
    rng = np.random.default_rng(seed)
    known, values = NumberSketch.of(sample(rng, 2000)), sample(rng, 1000)
    whole = number_tally(known, values)
    parts = number_tally(known, values[:cut]) + number_tally(known, values[cut:])
    assert (whole.rows, whole.nulls) == (parts.rows, parts.nulls)
    assert whole.upto.tolist() == parts.upto.tolist()
    assert whole.below.tolist() == parts.below.tolist()
