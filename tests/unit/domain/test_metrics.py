"""Our metrics against scikit-learn's, and their intervals."""

from __future__ import annotations

import numpy as np
import pytest
import sklearn.metrics as sk
from hypothesis import given, settings
from hypothesis import strategies as st

from core.domain.columns import Outputs
from core.domain.metrics import NAMES, RESAMPLES, ROWS, answers, evaluate, resamples, statistic, value
from core.spec import CLASSIFICATION_METRICS, REGRESSION_METRICS

CLOSE = {"rtol": 1e-9, "atol": 1e-9}


def labelled(classes: int, rows: int, seed: int, steps: int):
    """Random truth and probabilities; few `steps` make many equal probabilities."""
    random = np.random.default_rng(seed)
    names = [f"c{index}" for index in range(classes)]
    weights = random.integers(1, steps + 1, (rows, classes)).astype(float)
    probabilities = weights / weights.sum(axis=1, keepdims=True)
    truth = np.array(names, object)[np.concatenate([np.arange(classes), random.integers(0, classes, rows - classes)])]
    labels = np.array(names, object)[random.integers(0, classes, rows)]
    return truth, labels, probabilities, names


def ours(truth, labels, probabilities, names):
    of = answers(truth, Outputs(labels=labels, probabilities=probabilities), names)
    return {name: value(name, of) for name in CLASSIFICATION_METRICS}


def gap_by_hand(truth, probabilities, names):
    """The calibration error as its paper has it, one bin after the other: scikit-learn has none."""
    top = np.ones(len(truth), int) if len(names) == 2 else probabilities.argmax(axis=1)
    share = probabilities[np.arange(len(truth)), top]
    right = truth == np.array(names, object)[top]
    gap = 0.0
    for low in range(15):
        inside = (share * 15 >= low) & ((share * 15 < low + 1) | (low == 14))
        if inside.any():
            gap += inside.mean() * abs(right[inside].mean() - share[inside].mean())
    return gap


def theirs(truth, labels, probabilities, names):
    binary = len(names) == 2
    kind = {"average": "binary", "pos_label": names[-1]} if binary else {"average": "macro"}
    score = probabilities[:, 1] if binary else probabilities
    onehot = truth[:, None] == np.array(names, object)
    return {
        "accuracy": sk.accuracy_score(truth, labels),
        "f1": sk.f1_score(truth, labels, zero_division=0, **kind),
        "precision": sk.precision_score(truth, labels, zero_division=0, **kind),
        "recall": sk.recall_score(truth, labels, zero_division=0, **kind),
        "roc_auc": sk.roc_auc_score(truth, score, multi_class="ovr", labels=None if binary else names),
        "average_precision": sk.average_precision_score(onehot[:, 1] if binary else onehot, score, average="macro"),
        "log_loss": sk.log_loss(truth, probabilities, labels=names),
        "brier": sk.brier_score_loss(truth, score, **({"pos_label": names[-1]} if binary else {"labels": names})),
        "ece": gap_by_hand(truth, probabilities, names),
    }


@settings(deadline=None)
@given(st.integers(2, 5), st.integers(6, 80), st.integers(0, 10**6), st.sampled_from([2, 5, 10_000]))
def test_labels_agree_with_scikit_learn(classes, rows, seed, steps):
    case = labelled(classes, rows, seed, steps)
    ours_, theirs_ = ours(*case), theirs(*case)
    for name in CLASSIFICATION_METRICS:
        np.testing.assert_allclose(ours_[name], theirs_[name], **CLOSE, err_msg=name)


@settings(deadline=None)
@given(st.integers(2, 60), st.integers(0, 10**6), st.floats(-1e6, 1e6))
def test_numbers_agree_with_scikit_learn(rows, seed, offset):
    random = np.random.default_rng(seed)
    truth, prediction = random.normal(size=(2, rows)) + offset
    of = answers(truth, Outputs(prediction=prediction), ())
    wanted = {
        "mae": sk.mean_absolute_error(truth, prediction),
        "rmse": sk.root_mean_squared_error(truth, prediction),
        "r2": sk.r2_score(truth, prediction),
    }
    for name in REGRESSION_METRICS:
        np.testing.assert_allclose(value(name, of), wanted[name], rtol=1e-7, atol=1e-9, err_msg=name)


@settings(deadline=None)
@given(st.integers(2, 4), st.integers(0, 10**6))
def test_weights_are_as_repeated_rows(classes, seed):
    truth, labels, probabilities, names = labelled(classes, 30, seed, 4)
    weights = next(resamples(30, seed))[:3]
    of = answers(truth, Outputs(labels=labels, probabilities=probabilities), names)
    for name in CLASSIFICATION_METRICS:
        for row, got in zip(weights, statistic(name, of)(weights), strict=True):
            rows = np.repeat(np.arange(30), row.astype(int))
            np.testing.assert_allclose(got, value(name, of.take(rows)), **CLOSE, err_msg=name)


def test_names_are_those_of_the_spec():
    assert (*CLASSIFICATION_METRICS, *REGRESSION_METRICS) == NAMES


def test_a_metric_that_one_class_cannot_determine_is_left_out():
    truth, labels = np.array(["b"] * 9, object), np.array(["a", "b", "b"] * 3, object)
    of = answers(truth, Outputs(labels=labels, probabilities=np.full((9, 2), 0.5)), ["a", "b"])
    found = evaluate(of, seed=1)
    assert "roc_auc" not in found
    assert found["accuracy"].value == pytest.approx(2 / 3)


def test_a_constant_truth_leaves_r2_undetermined():
    of = answers(np.full(5, 3.0), Outputs(prediction=np.arange(5.0)), ())
    assert set(evaluate(of, seed=1)) == {"mae", "rmse"}


def test_an_unknown_class_counts_as_answered_wrongly():
    truth, labels = np.array(["a", "new"], object), np.array(["a", "a"], object)
    of = answers(truth, Outputs(labels=labels, probabilities=np.array([[1.0, 0.0], [1.0, 0.0]])), ["a", "b"])
    assert value("accuracy", of) == 0.5
    assert value("log_loss", of) > 15


def flips(rows: int, seed: int):
    truth, labels, probabilities, names = labelled(2, rows, seed, 1000)
    return answers(truth, Outputs(labels=labels, probabilities=probabilities), names)


def test_intervals_cover_the_true_accuracy():
    """Labels are right with probability 1/2: about 95 of 100 intervals hold it (at least 88: p = 0.002 of fewer)."""
    held = 0
    for seed in range(100):
        found = evaluate(flips(300, seed), seed=seed, metrics=["accuracy"])["accuracy"]
        held += found.low <= 0.5 <= found.high
    assert held >= 88


def test_more_rows_than_are_resampled_narrow_the_interval():
    few = evaluate(flips(ROWS, 1), seed=1, metrics=["accuracy"])["accuracy"]
    many = evaluate(flips(16 * ROWS, 1), seed=1, metrics=["accuracy"])["accuracy"]
    assert (few.high - few.low) / (many.high - many.low) == pytest.approx(4, rel=0.15)


def test_evaluation_is_deterministic_by_seed():
    assert evaluate(flips(200, 1), seed=3) == evaluate(flips(200, 1), seed=3)
    assert evaluate(flips(200, 1), seed=3) != evaluate(flips(200, 1), seed=4)


def test_every_resample_draws_as_many_rows_as_there_are():
    blocks = np.concatenate(list(resamples(17, 5)))
    assert blocks.shape == (RESAMPLES, 17)
    assert set(blocks.sum(axis=1)) == {17.0}
