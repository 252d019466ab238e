"""Intervals of shares, against published figures and by how often they hold the truth."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from core.domain.metrics.proportions import Share, difference, interval, ratio

Z = 1.959963984540054


@given(st.integers(1, 500), st.integers(0, 500))
def test_a_share_is_scipys(rows, hits):
    hits = min(hits, rows)
    theirs = binomtest(hits, rows).proportion_ci(method="wilson")
    ours = interval(Share(hits, rows), Z)
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=1e-9)


NEWCOMBE = [  # Newcombe 1998, table II, method 10
    (Share(56, 70), Share(48, 80), 0.0524, 0.3339),
    (Share(9, 10), Share(3, 10), 0.1705, 0.8090),
    (Share(6, 7), Share(2, 7), 0.0582, 0.8062),
    (Share(5, 56), Share(0, 29), -0.0381, 0.1926),
    (Share(0, 10), Share(0, 20), -0.1611, 0.2775),
    (Share(10, 10), Share(0, 10), 0.6075, 1.0),
]


@pytest.mark.parametrize(("first", "second", "low", "high"), NEWCOMBE)
def test_a_difference_is_newcombes(first, second, low, high):
    found = difference(first, second, Z)
    assert (found.low, found.high) == pytest.approx((low, high), abs=6e-5)


shares = st.integers(1, 300).flatmap(lambda rows: st.builds(Share, st.integers(0, rows), st.just(rows)))


@given(shares, shares)
def test_intervals_hold_their_value(first, second):
    for found in (difference(first, second, Z), ratio(first, second, Z)):
        if found is not None:
            assert found.low <= found.value + 1e-12
            assert found.value <= found.high + 1e-12
    assert (ratio(first, second, Z) is None) == (second.hits == 0)


@pytest.mark.parametrize(("p", "q", "rows"), [(0.3, 0.4, 60), (0.05, 0.2, 100), (0.9, 0.95, 50)])
def test_a_ratio_holds_the_truth(p, q, rows):
    """Of 1,000 at least 930 (p < 0.005 if 95 of 100 hold)."""
    random = np.random.default_rng(1)
    pairs = zip(random.binomial(rows, p, 1_000).tolist(), random.binomial(rows, q, 1_000).tolist(), strict=True)
    found = [ratio(Share(one, rows), Share(two, rows), Z) for one, two in pairs]
    held = [of.low <= p / q <= of.high for of in found if of is not None]
    assert np.mean(held) >= 0.93
