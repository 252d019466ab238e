import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.isotonic import IsotonicRegression

from core.domain.performance.isotonic import BINS, fit


@settings(deadline=None)
@given(st.integers(1, 300), st.integers(1, BINS), st.integers(0, 10**6))
def test_it_is_scikit_learns(rows, distinct, seed):
    random = np.random.default_rng(seed)
    scores = random.random(distinct)[random.integers(0, distinct, rows)]
    happened = (random.random(rows) < scores).astype(float)
    theirs = IsotonicRegression(out_of_bounds="clip").fit(scores, happened)
    asked = np.concatenate([scores, random.random(50), [0.0, 1.0]])
    np.testing.assert_allclose(fit(scores, happened).of(asked), theirs.predict(asked), rtol=1e-9, atol=1e-9)


def test_of_many_scores_it_stays_small_and_close():
    random = np.random.default_rng(1)
    scores = random.random(100_000)
    curve = fit(scores, (random.random(100_000) < scores**2).astype(float))
    assert len(curve.scores) <= BINS
    asked = np.linspace(0.05, 0.95, 50)
    assert np.abs(curve.of(asked) - asked**2).max() < 0.03


def test_the_mean_is_kept():
    """What is expected of the holdout is what was true of it."""
    random = np.random.default_rng(2)
    scores = random.random(150)
    happened = (random.random(150) < 0.3).astype(float)
    np.testing.assert_allclose(fit(scores, happened).of(scores).mean(), happened.mean(), atol=1e-9)
