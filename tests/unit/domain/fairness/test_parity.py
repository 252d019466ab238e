"""Our measures against fairlearn's, and what is told of groups too small to tell anything of."""

from __future__ import annotations

import numpy as np
import pytest
from fairlearn import metrics as fl
from hypothesis import given, settings
from hypothesis import strategies as st

from core.domain.fairness.parity import MEASURES, UNLABELLED, Verdicts, parity

THEIRS = {
    "demographic_parity": (fl.demographic_parity_difference, fl.demographic_parity_ratio),
    "equalized_odds": (fl.equalized_odds_difference, fl.equalized_odds_ratio),
    "equal_opportunity": (fl.equal_opportunity_difference, fl.equal_opportunity_ratio),
}


def precision(truth, answered):
    return truth[answered == 1].mean()


def rows(count: int, groups: int, seed: int) -> Verdicts:
    """Every group has every outcome, so that every rate is known and above 0."""
    random = np.random.default_rng(seed)
    whole = np.array([(group, yes, truth) for group in range(groups) for yes in (0, 1) for truth in (0, 1)])
    more = np.stack([random.integers(0, groups, count), *random.integers(0, 2, (2, count))], axis=1)
    group, yes, truth = np.concatenate([whole, more]).T
    return Verdicts(group, yes.astype(bool), truth.astype(np.int8))


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 200), st.integers(2, 6), st.integers(0, 10**6))
def test_they_agree_with_fairlearn(count, groups, seed):
    given_ = rows(count, groups, seed)
    found = parity(given_, groups, fewest=1)
    said = (given_.truth, given_.positive.astype(int))
    for name, (difference, ratio) in THEIRS.items():
        gap = found.gaps[name]
        assert gap is not None
        assert gap.ratio is not None
        assert gap.difference.value == pytest.approx(difference(*said, sensitive_features=given_.group), abs=1e-9)
        assert gap.ratio.value == pytest.approx(ratio(*said, sensitive_features=given_.group), abs=1e-9)
    frame = fl.MetricFrame(metrics=precision, y_true=said[0], y_pred=said[1], sensitive_features=given_.group)
    gap = found.gaps["predictive_parity"]
    assert gap is not None
    assert gap.ratio is not None
    assert gap.difference.value == pytest.approx(frame.difference(), abs=1e-9)
    assert gap.ratio.value == pytest.approx(frame.ratio(), abs=1e-9)


def counted(*groups: tuple[int, int]) -> Verdicts:
    """Groups of (rows, answered positive), none with a label."""
    group = np.repeat(np.arange(len(groups)), [rows for rows, _ in groups])
    positive = np.concatenate([np.arange(rows) < hits for rows, hits in groups])
    return Verdicts(group, positive, np.full(len(group), UNLABELLED, np.int8))


def test_what_needs_no_label_is_told_without():
    found = parity(counted((100, 50), (100, 30)), 2, fewest=50)
    assert found.gaps["demographic_parity"].difference.value == pytest.approx(0.2)
    assert {name for name, gap in found.gaps.items() if gap is None} == set(MEASURES) - {"demographic_parity"}


def test_a_group_too_small_is_called_so_and_has_no_number():
    found = parity(counted((100, 50), (100, 30), (9, 9)), 3, fewest=10)
    assert found.too_small(2)["selection_rate"] == 9
    assert "selection_rate" not in found.rates(2)
    assert found.gaps["demographic_parity"].highest == 0


def test_one_group_alone_differs_from_none():
    assert parity(counted((100, 50), (9, 9)), 2, fewest=10).gaps["demographic_parity"] is None


def test_nobody_answered_positive_has_no_ratio():
    gap = parity(counted((100, 0), (100, 0)), 2, fewest=10).gaps["demographic_parity"]
    assert (gap.difference.value, gap.ratio) == (0, None)


@pytest.mark.parametrize("groups", [2, 8])
def test_groups_that_are_treated_alike_seldom_differ(groups):
    """Of 400 at most 30 (p < 0.02 of more if 5 of 100 differ by chance): choosing the widest gap is paid for."""
    random = np.random.default_rng(groups)
    differs = 0
    for _ in range(400):
        hits = random.binomial(150, 0.3, groups)
        gap = parity(counted(*((150, int(hit)) for hit in hits)), groups, fewest=10).gaps["demographic_parity"]
        differs += gap.difference.low > 0
    assert differs <= 30


def test_groups_that_are_not_do():
    gap = parity(counted((500, 250), (500, 150), (500, 200)), 3, fewest=10).gaps["demographic_parity"]
    assert gap.difference.low > 0
    assert gap.ratio.high < 1
