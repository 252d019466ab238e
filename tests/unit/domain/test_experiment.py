"""Champion against challenger: right about differences, and no more often wrong for being asked every hour."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.experiment import (
    ALPHA,
    Experiment,
    Sample,
    boundary,
    compare,
    compare_metric,
    of_errors,
    of_latency,
    of_metric,
)
from core.domain.metrics import LabelAnswers

LOOKS = [50, 75, 110, 160, 240, 360, 540, 800, 1200, 1800, 2700, 4000]


def bernoulli(right, n):
    """The share of the first n."""
    part = right[:n]
    return Sample(n, float(part.mean()), float(part.std()) / math.sqrt(n))


def ever_worse(champion, challenger, allowed):
    """Whether any look calls the challenger worse."""
    return any(
        compare("m", bernoulli(champion, n), bernoulli(challenger, n), allowed=allowed, lower_is_better=False).verdict
        == "worse"
        for n in LOOKS
    )


def alarms(first, second, allowed, trials=1000):
    rng = np.random.default_rng(5)
    draws = [(rng.random(LOOKS[-1]) < first, rng.random(LOOKS[-1]) < second) for _ in range(trials)]
    return sum(ever_worse(*pair, allowed) for pair in draws) / trials


def test_looking_again_and_again_ends_no_more_trials_by_mistake():
    """Equal versions, nothing allowed, 12 looks: each of the three intervals may err in a third of 5 %, both sides."""
    assert alarms(0.8, 0.8, 0.0) <= ALPHA / 3


def test_one_interval_of_a_fixed_number_of_rows_would():
    """Which is why the wider one is used: the usual 98.3 % interval errs several times as often here."""
    rng, wrong = np.random.default_rng(5), 0
    for _ in range(300):
        one, other = (rng.random(LOOKS[-1]) < 0.8 for _ in range(2))
        pairs = [(bernoulli(one, n), bernoulli(other, n)) for n in LOOKS]
        wrong += any(b.value - a.value + 2.13 * math.hypot(a.error, b.error) < 0 for a, b in pairs)
    assert wrong / 300 > 2 * ALPHA / 3


def test_a_worse_version_is_found():
    assert alarms(0.8, 0.7, 0.0, 200) > 0.95


def test_what_is_allowed_is_allowed():
    assert alarms(0.8, 0.77, 0.03, 500) <= ALPHA / 3


@given(st.floats(1, 1e7), st.sampled_from([0.05, 0.05 / 3]))
def test_the_boundary_is_wider_than_one_look_s(rows, alpha):
    assert boundary(rows, alpha) > 1.96
    assert boundary(rows, alpha / 2) > boundary(rows, alpha)


@pytest.mark.parametrize("lower_is_better", [True, False])
def test_verdicts_follow_the_interval(lower_is_better):
    sign = 1 if lower_is_better else -1

    def verdict(worse_by, error=0.001, allowed=0.02):
        pair = Sample(1000, 0.5, error), Sample(1000, 0.5 + sign * worse_by, error)
        return compare("m", *pair, allowed=allowed, lower_is_better=lower_is_better).verdict

    assert [verdict(0.05), verdict(0.0), verdict(-0.05), verdict(0.02)] == ["worse", "holds", "holds", "cannot tell"]
    assert verdict(0.05, error=0.1) == verdict(0.0, error=0.1) == "cannot tell"


def test_too_few_cannot_tell_and_say_so():
    few = compare("errors", Sample(1000, 0.0, 0.001), Sample(9, 1.0, 0.001), allowed=0.01)
    assert (few.verdict, few.low, few.champion, few.challenger) == ("cannot tell", None, 0.0, 1.0)
    assert few.reason == "errors: 1,000 and 9 are known of the two, 50 of each are needed."
    assert compare("errors", None, None, allowed=0.01).reason.startswith("errors: 0 and 0 are known")


def answers(n, skill, seed):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 2, n)
    positive = np.clip(0.5 + skill * (truth - 0.5) + rng.normal(0, 0.2, n), 0.01, 0.99)
    return LabelAnswers(truth, (positive > 0.5).astype(np.intp), np.stack([1 - positive, positive], axis=1))


@pytest.mark.parametrize("metric", ["roc_auc", "log_loss", "accuracy"])
def test_a_metric_is_compared_in_its_own_direction(metric):
    good, bad = answers(4000, 0.6, 1), answers(4000, 0.1, 2)
    assert compare_metric(metric, good, bad, allowed=0.01, fewest=100, seed=1).verdict == "worse"
    assert compare_metric(metric, bad, good, allowed=0.01, fewest=100, seed=1).verdict == "holds"


def test_the_error_of_a_metric_is_the_spread_of_its_draws():
    drawn = [of_metric("accuracy", answers(500, 0.2, seed), seed=0) for seed in range(200)]
    spread = np.std([each.value for each in drawn])
    assert np.mean([each.error for each in drawn]) == pytest.approx(spread, rel=0.15)


def test_rows_that_determine_no_metric_are_no_sample():
    one_class = LabelAnswers(np.ones(9, np.intp), np.ones(9, np.intp), np.full((9, 2), 0.5))
    assert of_metric("roc_auc", one_class, seed=0) is None
    assert of_metric("roc_auc", None, seed=0) is None


def test_errors_and_latency_are_samples():
    none_failed = of_errors([False] * 100)
    assert (none_failed.n, none_failed.value) == (100, 0.0)
    assert none_failed.error > 0
    assert of_errors([]) is None
    assert of_latency([1.0]) is None
    assert of_latency([math.e] * 9).value == pytest.approx(1.0)


def test_of_all_differences_the_worst_decides():
    def trial(*verdicts):
        found = [compare(v, Sample(999, 0, e), Sample(999, w, e), allowed=0.1) for v, w, e in map(CASES.get, verdicts)]
        return Experiment("m", "a", "b", "canary", 0.1, 2, None, tuple(found)).verdict

    CASES = {"h": ("h", 0, 0.001), "w": ("w", 1, 0.001), "c": ("c", 0, 1)}  # noqa: N806
    assert [trial("h", "h"), trial("h", "c"), trial("c", "w"), trial("h", "w")] == [
        "holds",
        "cannot tell",
        "worse",
        "worse",
    ]
