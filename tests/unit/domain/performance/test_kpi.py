import numpy as np
import pytest

from core.domain.metrics import LabelAnswers, NumberAnswers
from core.domain.performance.kpi import Worth

BINARY = {"true_positive": 40.0, "false_positive": -5.0, "false_negative": -20.0}


def labels(truth, answered, classes=2):
    probabilities = np.full((len(truth), classes), 1 / classes)
    return LabelAnswers(np.array(truth), np.array(answered), probabilities)


def test_each_outcome_has_its_value():
    worth = Worth.of(BINARY, ("no", "yes"))
    assert worth.rows(labels([1, 0, 1, 0], [1, 1, 0, 0])).tolist() == [40, -5, -20, 0]


def test_a_truth_that_the_model_does_not_know_is_worth_nothing():
    assert Worth.of(BINARY, ("no", "yes")).rows(labels([-1], [1])).tolist() == [0]


def test_of_several_classes_by_truth_and_answer():
    worth = Worth.of({"b": {"a": -3.0, "b": 1.0, "gone": 9.0}, "gone": {"a": 9.0}}, ("a", "b", "c"))
    assert worth.rows(labels([1, 1, 0, 2], [0, 1, 0, 2], 3)).tolist() == [-3, 1, 0, 0]


def test_of_numbers_by_a_unit_too_much_or_too_little():
    worth = Worth.of({"over": -1.0, "under": -4.0}, ())
    found = NumberAnswers(np.array([10.0, 10.0, 10.0]), np.array([12.0, 9.0, 10.0]))
    assert worth.rows(found).tolist() == [-2, -4, 0]
    assert float(worth.measure(found)(np.array([[1.0, 1.0, 2.0]]))[0]) == pytest.approx(-1.5)
