"""What a feature is worth: all of it where only it tells, nothing where it tells nothing."""

from __future__ import annotations

import numpy as np
import pytest

from core.domain.columns import Outputs
from core.domain.learning import Plan, Rows
from core.domain.schema import Feature, Schema
from core.training.importance import importance

FEATURES = (Feature("told", "number"), Feature("noise", "number"), Feature("name", "category"))


class Knowing:
    """Answers with what `told` says."""

    def predict(self, columns):
        if self.task == "regression":
            return Outputs(prediction=columns["told"])
        positive = 1 / (1 + np.exp(-columns["told"]))
        labels = np.where(positive > 0.5, "yes", "no").astype(object)
        return Outputs(labels, np.stack([1 - positive, positive], axis=1).astype(np.float32))

    def __init__(self, task):
        self.task = task


def plan(task, metric, seed=0):
    schema = Schema(model="m", task=task, target="y", features=FEATURES)
    return Plan(schema, "logistic-regression", {}, None, seed, metric, in_order=False)


def rows(task, count=600):
    rng = np.random.default_rng(0)
    columns = {name: rng.normal(size=count).astype(np.float32) for name in ("told", "noise")}
    columns["name"] = rng.choice(np.array(["a", "b"], object), count)
    target = columns["told"].astype(float)
    return Rows(columns, target if task == "regression" else np.where(target > 0, "yes", "no").astype(object))


@pytest.mark.parametrize(
    ("task", "metric", "classes"), [("binary", "roc_auc", ("no", "yes")), ("regression", "rmse", ())]
)
def test_what_tells_is_worth_all_of_it(task, metric, classes):
    found = importance(Knowing(task), plan(task, metric), rows(task), classes)
    assert found["told"] > 0.4
    assert (found["noise"], found["name"]) == (0, 0)


def test_it_is_the_same_twice_and_other_by_seed():
    first, again, other = (
        importance(Knowing("regression"), plan("regression", "mae", seed), rows("regression"), ()) for seed in (1, 1, 2)
    )
    assert first == again
    assert first["told"] != other["told"]


def test_a_metric_that_is_not_determined_tells_nothing():
    given = rows("binary")
    alike = Rows(given.columns, np.array(["yes"] * len(given), object))
    assert importance(Knowing("binary"), plan("binary", "roc_auc"), alike, ("no", "yes")) == {}
