"""On real flights: the estimate comes true where its assumption holds, and where it does not, that is told."""

from __future__ import annotations

import pytest

from tests.bench.performance_parts.flights import spring, year
from tests.bench.performance_quality import CLASSIFIER, REGRESSION, compared, summary

pytestmark = pytest.mark.slow


def test_a_year_that_was_learned_from_is_foreseen():
    found = compared(year(task="binary", target="late"), CLASSIFIER)
    told = summary(found, CLASSIFIER)
    assert max(told["mean_gap"].values()) < 0.04
    assert told["within"]["roc_auc"] >= 10
    assert all(month["cause"] == "none" for month in found.values())


def test_a_spring_alone_does_not_foresee_the_year_and_the_labels_say_why():
    found = compared(spring(task="binary", target="late"), CLASSIFIER)
    drifted = [month for month, each in found.items() if each["p"] < 0.01]
    assert len(drifted) >= 5
    causes = [each["cause"] for each in found.values()]
    assert causes.count("concept") + causes.count("both") >= 1


def test_errors_of_a_regression_are_foreseen():
    told = summary(compared(year(task="regression", target="wind_speed"), REGRESSION), REGRESSION)
    assert told["mean_gap"]["mae"] < 0.25  # of 2.6 miles an hour
