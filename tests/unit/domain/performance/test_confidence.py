"""The estimate is what NannyML publishes: derived here again, one label draw and one row after the other."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import sklearn.metrics as sk
from hypothesis import given, settings
from hypothesis import strategies as st

from core.domain.metrics import Estimate, LabelAnswers, measure, statistic
from core.domain.performance.confidence import Expected, calibrate, estimate
from core.domain.performance.isotonic import Isotonic, fit


def expected_of(rows: int, classes: int, seed: int) -> Expected:
    random = np.random.default_rng(seed)
    probabilities = random.dirichlet(np.ones(classes), rows)
    calibrated = random.dirichlet(np.ones(classes), rows)
    return Expected(probabilities.argmax(axis=1), probabilities, calibrated)


def found(expected: Expected, *names: str) -> dict[str, Estimate]:
    return estimate(expected, {name: lambda answers, name=name: statistic(name, answers) for name in names}, {}, seed=1)


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 6), st.integers(2, 3), st.integers(0, 10**6))
def test_linear_metrics_are_their_mean_over_every_truth_there_may_be(rows, classes, seed):
    expected = expected_of(rows, classes, seed)
    names = ("accuracy", "log_loss", "brier")
    means = dict.fromkeys(names, 0.0)
    for truth in itertools.product(range(classes), repeat=rows):
        chance = np.prod(expected.calibrated[np.arange(rows), list(truth)])
        answers = LabelAnswers(np.array(truth), expected.labels, expected.probabilities)
        for name in names:
            means[name] += chance * float(statistic(name, answers)(np.ones((1, rows)))[0])
    for name, of in found(expected, *names).items():
        assert of.value == pytest.approx(means[name], rel=1e-9, abs=1e-9)


@settings(deadline=None, max_examples=30)
@given(st.integers(2, 80), st.integers(0, 10**6))
def test_binary_metrics_follow_from_the_expected_confusion_matrix(rows, seed):
    """As NannyML has it: TP is the sum of p over rows answered positive, FP of 1 - p there, FN of p elsewhere."""
    expected = expected_of(rows, 2, seed)
    share, positive = expected.calibrated[:, 1], expected.labels == 1
    tp, fp, fn = share[positive].sum(), (1 - share)[positive].sum(), share[~positive].sum()
    got = found(expected, "f1", "precision", "recall")
    ratio = {"f1": (2 * tp, 2 * tp + fp + fn), "precision": (tp, tp + fp), "recall": (tp, tp + fn)}
    for name, (part, whole) in ratio.items():
        assert got[name].value == pytest.approx(part / whole if whole else 0.0, rel=1e-9, abs=1e-9)


@settings(deadline=None, max_examples=30)
@given(st.integers(2, 60), st.integers(2, 10_000), st.integers(0, 10**6))
def test_the_order_of_scores_is_weighed_by_what_is_expected(rows, steps, seed):
    """ROC AUC from the expected true and false positive rates at every threshold, as NannyML draws the curve."""
    random = np.random.default_rng(seed)
    score = random.integers(0, steps, rows) / steps
    share = random.random(rows)
    both = np.stack([1 - score, score], axis=1), np.stack([1 - share, share], axis=1)
    expected = Expected((score > 0.5).astype(int), *both)
    thresholds = [np.inf, *np.unique(score)[::-1]]
    tpr = [share[score >= threshold].sum() / share.sum() for threshold in thresholds]
    fpr = [(1 - share)[score >= threshold].sum() / (1 - share).sum() for threshold in thresholds]
    assert found(expected, "roc_auc")["roc_auc"].value == pytest.approx(np.trapezoid(tpr, fpr), rel=1e-9, abs=1e-9)
    truth, weights = np.tile([0, 1], rows), both[1].ravel()
    theirs = sk.average_precision_score(truth, np.repeat(score, 2), sample_weight=weights)
    assert found(expected, "average_precision")["average_precision"].value == pytest.approx(theirs, rel=1e-9, abs=1e-9)


def test_of_three_classes_f1_is_the_mean_of_each_against_the_others():
    expected = expected_of(50, 3, 5)
    shares = expected.calibrated
    ones = [expected.labels == index for index in range(3)]
    hits = [shares[one, index].sum() for index, one in enumerate(ones)]
    scores = [
        2 * hit / (one.sum() + shares[:, index].sum()) for index, (hit, one) in enumerate(zip(hits, ones, strict=True))
    ]
    assert found(expected, "f1")["f1"].value == pytest.approx(np.mean(scores), rel=1e-9)


def test_without_curves_probabilities_are_taken_as_they_are():
    probabilities = np.array([[0.3, 0.7]])
    assert calibrate(probabilities, ()) is probabilities


def test_calibrated_probabilities_of_a_row_are_one_together():
    curves = tuple(Isotonic((0.0, 1.0), (0.0, share)) for share in (1.0, 0.5, 0.2))
    calibrated = calibrate(np.array([[0.2, 0.3, 0.5], [1.0, 0.0, 0.0]]), curves)
    np.testing.assert_allclose(calibrated.sum(axis=1), 1)
    np.testing.assert_allclose(calibrated[0], np.array([0.2, 0.15, 0.1]) / 0.45)


def test_a_row_that_no_curve_gives_a_share_keeps_its_probabilities():
    nothing = Isotonic((0.0, 1.0), (0.0, 0.0))
    probabilities = np.array([[0.2, 0.3, 0.5]])
    np.testing.assert_allclose(calibrate(probabilities, (nothing,) * 3), probabilities)


def sites(seed: int, rows: int, shift: float):
    """Overconfident scores of rows whose kind shifts while each kind comes true as before."""
    random = np.random.default_rng(seed)
    x = random.normal(shift, 1, rows)
    score = 1 / (1 + np.exp(-2.5 * x))
    truth = random.random(rows) < 1 / (1 + np.exp(-x))
    return np.stack([1 - score, score], axis=1), truth.astype(int)


def test_the_interval_holds_what_is_realised_when_other_rows_come():
    """Of 100 windows of other rows: at least 88 intervals hold (p < 0.002 if 95 of 100 do), of three metrics each."""
    names = ("accuracy", "f1", "roc_auc")
    measures = {name: lambda answers, name=name: statistic(name, answers) for name in names}
    held = dict.fromkeys(names, 0)
    for seed in range(100):
        probabilities, truth = sites(seed, 2_000, 0.0)
        holdout = LabelAnswers(truth, (probabilities[:, 1] > 0.5).astype(int), probabilities)
        curves = (fit(probabilities[:, 1], truth.astype(float)),)
        noise = measure(holdout, measures, seed=seed, most=1_000)
        probabilities, truth = sites(seed + 1_000, 1_000, 0.7)
        labels = (probabilities[:, 1] > 0.5).astype(int)
        foreseen = estimate(
            Expected(labels, probabilities, calibrate(probabilities, curves)), measures, noise, seed=seed
        )
        realised = LabelAnswers(truth, labels, probabilities)
        for name, of in foreseen.items():
            held[name] += of.low <= float(measures[name](realised)(np.ones((1, len(truth))))[0]) <= of.high
    assert min(held.values()) >= 88, held


def test_it_is_deterministic_by_seed():
    expected = expected_of(300, 3, 1)
    measures = {"f1": lambda answers: statistic("f1", answers)}
    assert estimate(expected, measures, {}, seed=4) == estimate(expected, measures, {}, seed=4)


def test_of_many_rows_a_sample_is_close():
    many = expected_of(200_000, 12, 1)
    of = found(many, "accuracy")["accuracy"]
    assert of.value == pytest.approx(many.calibrated[np.arange(len(many)), many.labels].mean(), abs=0.005)
