"""Candidate against champion: pairs, noise, signs, gates."""

from __future__ import annotations

import numpy as np
import pytest

from core.domain.columns import Outputs
from core.domain.comparison import Comparison, compare
from core.domain.gates import floor_gates, parity_gate, regression_gate
from core.domain.metrics import Answers, Estimate, answers


def model(skill: float, seed: int, rows: int = 800) -> Answers:
    """A classifier of the same rows whatever the seed, which is that of its own errors alone."""
    truth = np.random.default_rng(0).random(rows) < 0.4
    score = skill * truth + np.random.default_rng(seed).normal(size=rows)
    positive = 1 / (1 + np.exp(-(score - skill / 2)))
    labels = np.where(positive > 0.5, "yes", "no").astype(object)
    outputs = Outputs(labels=labels, probabilities=np.column_stack([1 - positive, positive]))
    return answers(np.where(truth, "yes", "no").astype(object), outputs, ["no", "yes"])


def numbers(error: float, seed: int, rows: int = 500) -> Answers:
    truth = np.random.default_rng(0).normal(size=rows)
    return answers(truth, Outputs(prediction=truth + error * np.random.default_rng(seed).normal(size=rows)), ())


def test_a_model_against_itself_differs_by_nothing():
    found = compare("roc_auc", model(1, 1), model(1, 1), seed=1)
    assert (found.difference, found.low, found.high) == (0, 0, 0)


def test_the_sign_of_a_loss_is_turned_into_a_gain():
    better = compare("rmse", numbers(0.1, 1), numbers(0.5, 2), seed=1)
    assert better.difference < 0 < better.gain
    assert 0 < better.gain_low <= better.gain <= better.gain_high


def test_pairing_takes_the_luck_of_the_rows_out():
    base = model(2, 1)
    near = answers_like(base, 1e-3)
    paired = compare("log_loss", near, base, seed=1)
    assert paired.high - paired.low < 0.01


def answers_like(of, noise):
    shifted = np.clip(of.probabilities + noise * np.random.default_rng(9).normal(size=of.probabilities.shape), 0, 1)
    return type(of)(of.truth, of.labels, shifted / shifted.sum(axis=1, keepdims=True))


@pytest.mark.parametrize("seed", range(5))
def test_equals_pass_and_the_clearly_worse_fail(seed):
    champion = model(1.5, 100 + seed)
    equal = compare("roc_auc", model(1.5, 200 + seed), champion, seed=seed)
    worse = compare("roc_auc", model(0.4, 300 + seed), champion, seed=seed)
    assert regression_gate(equal, 0.005, otherwise="").passed
    assert not regression_gate(worse, 0.005, otherwise="").passed


def test_equals_fail_rarely():
    """Of equal candidates the gate fails one in 40 at most; 8 or more of 100 would have p < 0.005 of that."""
    failed = 0
    for seed in range(100):
        pair = model(1.5, 1000 + seed, 300), model(1.5, 2000 + seed, 300)
        failed += not regression_gate(compare("accuracy", *pair, seed=seed), 0.0, otherwise="").passed
    assert failed < 8


def test_a_regression_within_what_is_allowed_passes_however_sure():
    sure = Comparison("roc_auc", 0.80, 0.81, -0.010, -0.011, -0.009, 10_000)
    assert regression_gate(sure, 0.02, otherwise="").passed
    assert not regression_gate(sure, 0.005, otherwise="").passed
    unsure = Comparison("roc_auc", 0.80, 0.81, -0.010, -0.030, 0.010, 100)
    assert regression_gate(unsure, 0.005, otherwise="").passed


def test_of_a_loss_higher_is_worse():
    worse = Comparison("log_loss", 0.6, 0.5, 0.1, 0.08, 0.12, 1000)
    better = Comparison("log_loss", 0.4, 0.5, -0.1, -0.12, -0.08, 1000)
    assert not regression_gate(worse, 0.005, otherwise="").passed
    assert regression_gate(better, 0.005, otherwise="").passed


def test_without_a_comparison_the_gate_passes_and_says_why():
    gate = regression_gate(None, 0.005, otherwise="no version serves yet.")
    assert gate.passed
    assert gate.detail == "no version serves yet."


def test_one_class_cannot_be_compared_by_rank():
    only = model(1, 1)
    only = type(only)(np.ones_like(only.truth), only.labels, only.probabilities)
    assert compare("roc_auc", only, only, seed=1) is None


def test_floors():
    found = Estimate(0.7, 0.65, 0.75)
    assert floor_gates("roc_auc", found, None, None) == []
    assert [gate.passed for gate in floor_gates("roc_auc", found, 0.7, None)] == [True]
    low, high = floor_gates("log_loss", found, 0.71, 0.6)
    assert (low.gate, low.passed, high.gate, high.passed) == ("min", False, "max", False)
    assert low.detail == "log_loss is 0.7 (0.65 to 0.75), at least 0.71 is wanted."


@pytest.mark.parametrize(
    ("mismatches", "difference", "passed"), [(0, 0.0, True), (0, 1e-5, True), (0, 1.1e-5, False), (1, 0.0, False)]
)
def test_parity(mismatches, difference, passed):
    found = {"rows": 10, "label_mismatches": mismatches, "max_difference": difference}
    assert parity_gate(found, 1e-5).passed is passed
