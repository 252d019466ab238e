"""Contributions of features: exact where the truth is known, additive always."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.domain.explanation import explain

WEIGHTS = {"a": 2.0, "b": -1.0, "c": 0.5}


def columns(seed, rows):
    rng = np.random.default_rng(seed)
    return {name: rng.normal(size=rows).astype(np.float32) for name in WEIGHTS}


def linear(given):
    return sum(weight * given[name] for name, weight in WEIGHTS.items())


def twisted(given):
    return given["a"] * given["b"] + np.sin(given["c"]) * given["a"]


@given(st.integers(0, 999), st.integers(1, 30), st.integers(0, 3000), st.sampled_from([linear, twisted]))
@settings(deadline=None)
def test_contributions_add_up_whatever_the_budget(seed, rows, budget, model):
    row = columns(seed, 1)
    found = explain(model, row, columns(seed + 1, rows), budget=budget, seed=seed)
    assert found.answer == pytest.approx(float(model(row)[0]), abs=1e-5)
    assert found.base + sum(found.contributions.values()) == pytest.approx(found.answer, abs=1e-4)
    assert found.evaluations <= max(budget, 8)


def test_of_a_linear_model_they_are_its_terms():
    row, background = columns(1, 1), columns(2, 10)
    found = explain(linear, row, background, budget=80 * 8)
    for name, weight in WEIGHTS.items():
        exact = weight * (row[name][0] - background[name].mean())
        assert found.contributions[name] == pytest.approx(float(exact), abs=1e-5)
    assert found.base == pytest.approx(float(linear(background).mean()), abs=1e-5)


def exact_shapley(model, row, background):
    """By every order of the features."""
    names, total = list(row), dict.fromkeys(row, 0.0)
    orders = list(permutations(names))
    for order in orders:
        given = dict(background)
        for name in order:
            taken = {**given, name: np.full_like(background[name], row[name][0])}
            total[name] += float((model(taken) - model(given)).mean()) / len(orders)
            given = taken
    return total


def test_of_any_model_they_come_close_to_the_exact_ones():
    row, background = columns(3, 1), columns(4, 8)
    exact = exact_shapley(twisted, row, background)
    found = explain(twisted, row, background, budget=20_000)
    for name, value in exact.items():
        assert found.contributions[name] == pytest.approx(value, abs=0.05)


def test_the_same_seed_gives_the_same_and_time_cuts_it_short_additively():
    row, background = columns(5, 1), columns(6, 20)
    first, second = (explain(twisted, row, background, budget=2000, seed=1) for _ in range(2))
    assert first == second
    assert explain(twisted, row, background, budget=2000, seed=2).contributions != first.contributions
    cut = explain(twisted, row, background, budget=2000, seed=1, in_time=lambda: False)
    assert cut.evaluations == 32 * 4 < first.evaluations
    assert cut.base + sum(cut.contributions.values()) == pytest.approx(cut.answer, abs=1e-5)


def test_a_feature_that_changes_nothing_has_nothing():
    row = {**columns(7, 1), "word": np.array(["x"], object)}
    background = {**columns(8, 9), "word": np.array(list("abcabcabc"), object)}
    assert explain(linear, row, background, budget=500).contributions["word"] == 0
