import numpy as np
import pytest
from sklearn.calibration import calibration_curve

from core.domain.metrics import LabelAnswers
from core.domain.performance.reliability import reliability


def test_it_is_scikit_learns_curve():
    random = np.random.default_rng(1)
    share = random.random(5_000)
    truth = (random.random(5_000) < share**2).astype(int)
    bins = list(reliability(LabelAnswers(truth, truth, np.stack([1 - share, share], axis=1))))
    happened, expected = calibration_curve(truth, share, n_bins=10)
    assert [bin_.happened.value for bin_ in bins] == pytest.approx(happened, rel=1e-9)
    assert [bin_.expected for bin_ in bins] == pytest.approx(expected, rel=1e-9)
    assert sum(bin_.rows for bin_ in bins) == 5_000
