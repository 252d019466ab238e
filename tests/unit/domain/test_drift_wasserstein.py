"""The Wasserstein distance: scipy's where nothing is left out, and within its stated bound where something is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from palmerpenguins import load_penguins
from scipy import stats

from core.domain.drift.kolmogorov_smirnov import kolmogorov_smirnov
from core.domain.drift.result import TestResult
from core.domain.drift.tally import FEW, number_tally
from core.domain.drift.wasserstein import distance, wasserstein
from core.domain.sketch import NumberSketch, merged

SEEDS = st.integers(0, 2**32 - 1)
SIZES = st.sampled_from([5, 30, 799, 801, 3000, 6000])
CERTAIN = TestResult(0.0, 0.5, 0.0)


def sample(rng: np.random.Generator, rows: int) -> NDArray[np.float32]:
    """Smooth, discrete, skewed or constant."""
    values = rng.normal(rng.normal(0, 0.5), rng.uniform(0.5, 2), rows).round(rng.choice([0, 1, 9]))
    values = np.exp(values) if rng.random() < 0.3 else values
    values *= rng.choice([1, 1, 1, 0])
    return values.astype(np.float32)


@given(SEEDS, st.integers(1, 800), st.integers(1, FEW))
def test_it_is_scipys_where_every_value_is_kept(seed: int, first: int, second: int) -> None:
    rng = np.random.default_rng(seed)
    reference, window = sample(rng, first), sample(rng, second)
    known = NumberSketch.of(reference)
    theirs = stats.wasserstein_distance(reference, window)
    assert distance(known, number_tally(known, window)) == (pytest.approx(theirs, rel=1e-9, abs=1e-9), 0)


@given(SEEDS, SIZES, SIZES)
def test_it_is_at_most_so_much_too_small_elsewhere(seed: int, first: int, second: int) -> None:
    rng = np.random.default_rng(seed)
    reference, window = sample(rng, first), sample(rng, second)
    known = NumberSketch.of(reference)
    ours, unsure = distance(known, number_tally(known, window))
    theirs = stats.wasserstein_distance(reference, window)
    slack = 1e-6 * (1 + abs(reference).max())  # means of gaps are kept in float32
    assert ours - slack <= theirs <= ours + unsure + slack


@given(SEEDS)
def test_what_is_unsure_is_little(seed: int) -> None:
    rng = np.random.default_rng(seed)
    known = NumberSketch.of(rng.normal(size=20_000))
    assert distance(known, number_tally(known, rng.normal(rng.normal(), 1, 20_000)))[1] < 0.15


@given(SEEDS, st.integers(2, 5))
def test_a_merged_reference_is_wrong_by_its_error(seed: int, parts: int) -> None:
    rng = np.random.default_rng(seed)
    each = [sample(rng, int(rng.integers(1, 3000))) for _ in range(parts)]
    known = merged([NumberSketch.of(part) for part in each])
    assert isinstance(known, NumberSketch)
    window = sample(rng, 1000)
    ours, unsure = distance(known, number_tally(known, window))
    theirs = stats.wasserstein_distance(np.concatenate(each), window)
    slack = 1e-6 * (1 + abs(np.concatenate(each)).max())
    assert ours - known.error / known.count * np.ptp(known.edges) - slack <= theirs <= ours + unsure + slack


def test_real_measurements_are_as_scipy_has_them() -> None:
    mass = load_penguins()["body_mass_g"].dropna().to_numpy(np.float32)
    known = NumberSketch.of(mass[:200])
    tallied = number_tally(known, mass[200:])
    assert distance(known, tallied)[0] == pytest.approx(stats.wasserstein_distance(mass[:200], mass[200:]), rel=1e-9)
    found = kolmogorov_smirnov(known, tallied)
    assert found is not None
    assert found.statistic == pytest.approx(stats.ks_2samp(mass[:200], mass[200:]).statistic, rel=1e-9)


@pytest.mark.parametrize(("scale", "unit"), [("sd", 1.0), ("iqr", 1.0)])
def test_it_is_told_in_deviations(scale: str, unit: float) -> None:
    values = np.random.default_rng(0).normal(50, 4, 20_000)
    known = NumberSketch.of(values)
    found = wasserstein(known, number_tally(known, values + 4), CERTAIN, scale)
    assert found is not None
    assert found.statistic == pytest.approx(unit, abs=0.03)
    assert found.p == CERTAIN.p


def test_a_constant_has_no_unit() -> None:
    known = NumberSketch.of(np.ones(9))
    assert wasserstein(known, number_tally(known, np.arange(9.0)), CERTAIN, "sd") is None
    assert wasserstein(known, number_tally(known, np.arange(9.0)), CERTAIN, "iqr") is None


def test_infinities_are_far_and_finite() -> None:
    values = np.arange(500.0)
    known = NumberSketch.of(values)
    found = wasserstein(known, number_tally(known, np.append(values, np.inf)), CERTAIN, "sd")
    assert found is not None
    assert 1e30 < found.statistic < np.inf
