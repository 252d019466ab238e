"""What is exported answers as scikit-learn does: every preset and task on real rows, and where skl2onnx goes wrong."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
import skops.io
from threadpoolctl import threadpool_limits

from core.domain.columns import Columns, Outputs
from core.domain.gates import parity_gate
from core.domain.learning import Learned, Plan, Rows
from core.domain.schema import NULL_CATEGORY, Feature, Schema
from core.inference.golden import Golden, check_golden
from core.inference.predictor import OnnxPredictor
from core.training.answering import answer
from core.training.learner import SklearnLearner, manifest_of
from core.training.parity import in_steps, mismatches, parity
from core.training.stored import TRUSTED

from . import real

HOSTILE = ("a b", "a.b", "a/b", "é ü", "x:0", " ", "_x", "input_0", "variable", "'\"", "日本")


def learn(plan: Plan, rows: Rows) -> tuple[Learned, Rows]:
    training, holdout = real.halves(rows)
    return SklearnLearner().learn(plan, training, holdout, lambda _step: None), holdout


def spoiled(columns: Columns, schema: Schema) -> Columns:
    """Nulls and unseen categories put in, by another hand than the code under test."""
    spoiled = {}
    for place, feature in enumerate(schema.features):
        values = columns[feature.name].copy()
        values[place::3] = NULL_CATEGORY if feature.type == "category" else np.nan
        if feature.type == "category":
            values[place + 1 :: 4] = "never seen"
            values[place + 2 :: 5] = ""
        spoiled[feature.name] = values
    return spoiled


def assert_alike(expected: Outputs, given: Outputs) -> None:
    if expected.prediction is not None:
        scale = np.sqrt(np.mean(expected.prediction**2))
        np.testing.assert_allclose(given.prediction, expected.prediction, rtol=1e-5, atol=1e-5 * scale)
        return
    np.testing.assert_allclose(given.probabilities, expected.probabilities, rtol=0, atol=1e-5)
    np.testing.assert_array_equal(given.labels, expected.labels)


def assert_exported(plan: Plan, learned: Learned, columns: Columns) -> None:
    """Compare what is stored: the skops pipeline with the ONNX bytes, as a server loads them."""
    pipeline = skops.io.loads(learned.estimator, trusted=list(TRUSTED))
    for optimise in (True, False):
        predictor = OnnxPredictor(learned.onnx, manifest_of(plan, learned.classes), optimise=optimise)
        for given in (columns, spoiled(columns, plan.schema)):
            with threadpool_limits(1):  # threads that wait for each other are slow where others work too
                expected = answer(pipeline, given, plan.schema)
            assert_alike(expected, predictor.predict(given))
        check_golden(predictor, Golden.decode(learned.golden))


@pytest.mark.parametrize("dataset", real.DATASETS)
@pytest.mark.parametrize("kind", real.KINDS)
@pytest.mark.parametrize(("preset", "task"), real.CASES)
def test_every_preset_on_real_rows(preset, task, kind, dataset):
    plan = real.plan(dataset, kind, task, preset)
    learned, holdout = learn(plan, real.rows(dataset, kind, task))
    assert learned.parity["rows"] == 2 * len(holdout)
    assert parity_gate(learned.parity, 1e-5).passed, learned.parity
    assert_exported(plan, learned, holdout.columns)


def odd_numbers(rows: int = 600) -> Mapping[str, np.ndarray]:
    """Columns whose neighbouring float32 values lie far apart, and columns that hold nothing."""
    random = np.random.default_rng(3)
    step = random.integers(0, 200, rows)
    return {
        "large and fine": (1e6 + random.normal(size=rows)).astype(np.float32),
        "wide steps": (1e8 + 8.0 * step).astype(np.float32),
        "next to one": (1 + (step % 7) * 2.0**-23).astype(np.float32),
        "tiny": (random.normal(size=rows) * 1e-30).astype(np.float32),
        "huge": (random.normal(size=rows) * 1e30).astype(np.float32),
        "all null": np.full(rows, np.nan, np.float32),
        "constant": np.full(rows, 3, np.float32),
    }


def odd_case(name: str, values: np.ndarray, task: str, preset: str) -> tuple[Plan, Rows]:
    random = np.random.default_rng(4)
    noise = random.normal(size=len(values))
    rank = np.argsort(np.argsort(values)) / len(values)
    signal = rank * 37 % 1 + 0.3 * noise
    target = {
        "binary": np.where(signal > 0.5, "1", "0").astype(object),
        "multiclass": np.array(list("abc"), object)[np.digitize(signal, [0.3, 0.6])],
        "regression": signal,
    }[task]
    features = (Feature(name, "number", nullable=True), Feature("noise", "number"))
    plan = real.plan("cancer", "numbers", task, preset, schema=Schema("odd", task, "y", features))  # type: ignore[arg-type]
    return plan, Rows({name: values, "noise": noise.astype(np.float32)}, target)


ODD = [
    (preset, task, name)
    for preset, task in real.CASES
    for name in odd_numbers()
    if preset == "hist-gradient-boosting" or name in {"large and fine", "next to one", "all null"}
]


@pytest.mark.parametrize(("preset", "task", "name"), ODD)
def test_numbers_that_float32_hardly_tells_apart(preset, task, name):
    plan, rows = odd_case(name, odd_numbers()[name], task, preset)
    learned, holdout = learn(plan, rows)
    assert parity_gate(learned.parity, 1e-5).passed, learned.parity
    assert_exported(plan, learned, holdout.columns)


@pytest.mark.parametrize(("preset", "task"), real.CASES)
@pytest.mark.parametrize("name", ["constant", "all null"])
def test_nothing_but_an_empty_feature(name, preset, task):
    """Every tree is a single leaf then, for which TreeEnsembleClassifier of onnxruntime gives the wrong label."""
    whole, rows = odd_case(name, odd_numbers()[name], task, preset)
    schema = Schema("odd", whole.schema.task, "y", (Feature(name, "number", nullable=True),))
    plan = real.plan("cancer", "numbers", task, preset, schema=schema)
    learned, holdout = learn(plan, Rows({name: rows.columns[name]}, rows.target))
    assert learned.parity["label_mismatches"] == 0
    assert_exported(plan, learned, holdout.columns)


@pytest.mark.parametrize(("preset", "task"), real.CASES)
def test_names_of_features_may_be_anything(preset, task):
    rows = real.rows("penguins", "mixed", task)
    had = real.schema("penguins", "mixed", task)
    names = dict(zip(had.feature_names, HOSTILE, strict=False))
    features = tuple(Feature(names[feature.name], feature.type, True) for feature in had.features)
    plan = real.plan("penguins", "mixed", task, preset, schema=Schema("p", had.task, had.target, features))
    renamed = Rows({names[name]: values for name, values in rows.columns.items()}, rows.target)
    learned, holdout = learn(plan, renamed)
    assert_exported(plan, learned, holdout.columns)


@pytest.mark.parametrize("classes", [("", "nan"), ("é ü", "日本"), ("0", "1", "10", "2"), ("False", "True")])
def test_classes_may_be_any_text(classes):
    task = "binary" if len(classes) == 2 else "multiclass"
    rows = real.rows("flights", "mixed", "regression")
    bounds = np.quantile(rows.target, np.linspace(0, 1, len(classes) + 1)[1:-1])
    labels = np.array(classes, object)[np.digitize(rows.target, bounds)]
    for preset in ("logistic-regression", "random-forest", "hist-gradient-boosting"):
        plan = real.plan("flights", "mixed", task, preset)
        learned, holdout = learn(plan, Rows(rows.columns, labels))
        assert learned.classes == tuple(sorted(classes))
        assert_exported(plan, learned, holdout.columns)


def test_more_categories_than_are_told_apart():
    random = np.random.default_rng(5)
    names = np.array([f"v{number}" for number in random.integers(0, 900, 3000)], object)
    labels = np.where(random.random(3000) < 0.5, "a", "b").astype(object)
    schema = Schema("many", "binary", "y", (Feature("name", "category"),))
    for preset in ("logistic-regression", "hist-gradient-boosting", "gradient-boosting"):
        plan = real.plan("cancer", "numbers", "binary", preset, schema=schema)
        learned, holdout = learn(plan, Rows({"name": names}, labels))
        assert_exported(plan, learned, holdout.columns)


def test_votes_of_a_forest_tie_as_in_scikit_learn():
    """Pure leaves of an even number of trees tie often; twentieths added up in float32 would break ties at random."""
    random = np.random.default_rng(6)
    x = random.normal(size=(4000, 2)).astype(np.float32)
    labels = np.where(x[:, 0] + 2 * random.normal(size=4000) > 0, "b", "a").astype(object)
    schema = Schema("ties", "binary", "y", (Feature("x", "number"), Feature("z", "number")))
    params = {"n_estimators": 20, "min_samples_leaf": 1}
    plan = real.plan("cancer", "numbers", "binary", "random-forest", schema=schema, params=params)
    learned, _ = learn(plan, Rows({"x": x[:, 0], "z": x[:, 1]}, labels))
    assert np.sum(learned.outputs.probabilities[:, 0] == 0.5) > 20
    assert (learned.parity["label_mismatches"], learned.parity["ties"]) == (0, 0)


def test_a_model_that_answers_otherwise_fails_parity():
    plan = real.plan("penguins", "mixed", "multiclass", "hist-gradient-boosting")
    rows = real.rows("penguins", "mixed", "multiclass")
    learned, holdout = learn(plan, rows)
    other, _ = learn(real.plan("penguins", "mixed", "multiclass", "random-forest"), rows)
    pipeline = skops.io.loads(other.estimator, trusted=list(TRUSTED))
    predictor = OnnxPredictor(learned.onnx, manifest_of(plan, learned.classes))
    found = parity(pipeline, predictor, holdout.columns, plan.schema, seed=1)
    assert found["label_mismatches"] > 0
    assert not parity_gate(found, 1e-5).passed


def test_another_label_at_a_tie_is_counted_apart():
    expected = Outputs(np.array(["a", "a", "b"], object), np.array([[0.5, 0.5], [0.9, 0.1], [0.2, 0.8]], np.float32))
    given = Outputs(np.array(["b", "b", "b"], object), expected.probabilities)
    assert mismatches(expected, given) == (1, 1)


def test_differences_below_a_step_are_rounded_up():
    assert in_steps(0.0) == 0.0
    assert in_steps(1e-9) == 1e-6
    assert in_steps(float("inf")) > 1e300
