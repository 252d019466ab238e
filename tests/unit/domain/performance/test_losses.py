"""Errors of a regression are foreseen where rows lie, and the intervals hold what is realised."""

from __future__ import annotations

import json

import numpy as np
import pytest

from core.domain.metrics import NumberAnswers
from core.domain.performance.concept import of_numbers
from core.domain.performance.loss_tree import FEWEST, LEAVES, LossTree, grow
from core.domain.performance.losses import estimate


def rows(count: int, seed: int, shift: float = 0.0, *, noise: float = 1.0, bias: float = 0.0):
    """Errors are larger where x is large and where c is "wild", or missing in z."""
    random = np.random.default_rng(seed)
    x = random.normal(shift, 1, count).astype(np.float32)
    z = np.where(random.random(count) < 0.2, np.nan, random.normal(size=count)).astype(np.float32)
    c = random.choice(np.array(["calm", "wild", "<null>"], object), count)
    spread = noise * (0.5 + np.exp(x / 2) + 2.0 * (c == "wild") + np.isnan(z))
    truth = 3.0 * x + random.normal(size=count) * spread + bias
    return {"x": x, "z": z, "c": c}, (3.0 * x).astype(np.float32), truth


def tree(count: int = 5_000, seed: int = 1) -> LossTree:
    return grow(*rows(count, seed), seed=seed)


def foreseen(holdout: int, seed: int, shift: float):
    """(what is expected of 1,000 other rows, what is realised on them), by metric."""
    known = tree(holdout, seed)
    columns, prediction, truth = rows(1_000, seed + 500, shift)
    error = prediction - truth
    realised = {"mae": np.abs(error).mean(), "rmse": np.sqrt((error**2).mean())}
    found = estimate(known.leaf_of(columns, prediction), known.leaves)
    return {name: (found[name], realised[name]) for name in realised}


def test_the_intervals_hold_what_is_realised():
    """At least 88 of 100 of each (p < 0.002 if 95 of 100 hold)."""
    held = {"mae": 0, "rmse": 0}
    for seed in range(100):
        for name, (of, realised) in foreseen(2_000, seed, 0.0).items():
            held[name] += of.low <= realised <= of.high
    assert min(held.values()) >= 88, held


def test_when_other_rows_come_the_estimate_is_off_by_a_few_percent_alone():
    """Within a leaf the rows may shift too, which the tree does not see: here the estimate lags by 4 %."""
    found = [foreseen(2_000, seed, 0.7) for seed in range(40)]
    for name in ("mae", "rmse"):
        assert abs(np.mean([each[name][0].value / each[name][1] - 1 for each in found])) < 0.07


def test_other_rows_are_foreseen_to_have_larger_errors():
    known = tree(20_000)
    before, after = (estimate(known.leaf_of(*rows(20_000, 7, shift)[:2]), known.leaves)["mae"] for shift in (0.0, 1.5))
    _, prediction, truth = rows(20_000, 8, 1.5)
    realised = np.abs(prediction - truth).mean()
    assert before.high < after.low
    assert after.value == pytest.approx(realised, rel=0.1)


def test_it_is_the_mean_over_the_leaves_of_what_was_seen_there():
    known = tree()
    leaves = known.leaf_of(*rows(500, 3)[:2])
    losses = [known.leaves[leaf] for leaf in leaves]
    found = estimate(leaves, known.leaves, (2.0, -3.0))
    assert found["mae"].value == pytest.approx(np.mean([loss.over + loss.under for loss in losses]), rel=1e-9)
    assert found["rmse"].value == pytest.approx(np.sqrt(np.mean([loss.square for loss in losses])), rel=1e-9)
    assert found["kpi"].value == pytest.approx(np.mean([2 * loss.over - 3 * loss.under for loss in losses]), rel=1e-9)


def test_it_is_small_and_every_leaf_has_rows():
    known = tree(20_000)
    assert 8 < len(known.leaves) <= LEAVES
    assert min(leaf.rows for leaf in known.leaves) >= FEWEST
    assert sum(leaf.rows for leaf in known.leaves) == 10_000
    assert len(json.dumps(known.to_json())) < 20_000


def test_of_few_rows_it_is_one_leaf():
    columns, prediction, truth = rows(30, 1)
    known = grow(columns, prediction, truth, seed=1)
    assert len(known.leaves) == 1
    assert estimate(known.leaf_of(columns, prediction), known.leaves)["mae"].value == pytest.approx(
        np.abs(prediction - truth).mean(), rel=1e-6
    )


def test_it_is_kept_as_json():
    known = tree()
    again = LossTree.from_json(json.loads(json.dumps(known.to_json())))
    assert again == known
    columns, prediction, _ = rows(500, 4)
    assert again.leaf_of(columns, prediction).tolist() == known.leaf_of(columns, prediction).tolist()


def test_an_unseen_category_goes_where_the_mean_goes():
    columns, prediction, _ = rows(10, 4)
    strange = {**columns, "c": np.full(10, "never seen", object)}
    assert (tree().leaf_of(strange, prediction) >= 0).all()


def test_a_constant_error_has_one_leaf():
    columns, prediction, _ = rows(1_000, 4)
    assert len(grow(columns, prediction, prediction.astype(float) - 1.0, seed=1).leaves) == 1


@pytest.mark.parametrize(("change", "found"), [({}, False), ({"noise": 1.5}, True), ({"bias": 0.8}, True)])
def test_concept_drift_of_a_regression_is_told_from_other_rows(change, found):
    known = tree(10_000)
    columns, prediction, truth = rows(3_000, 9, 0.7, **change)
    p = of_numbers(NumberAnswers(truth, prediction.astype(float)), known.leaf_of(columns, prediction), known.leaves)
    assert p is not None
    assert (p < 0.001) == found
