"""Presets, users' factories, parameters and searches: what is made, and what is refused with which sentence."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline

from core.domain.learning import Rows
from core.domain.schema import Feature, Schema
from core.errors import BadInput, BadSpec
from core.spec import PRESET_TASKS
from core.training.estimators import PRESETS, make_estimator, source_hash
from core.training.learner import SklearnLearner
from core.training.search import Range, read_space

from . import real

HIST = "hist-gradient-boosting"


def plan(estimator: str = HIST, task: str = "binary", **changes):
    return real.plan("penguins", "mixed", task, estimator, **changes)


def learn(of, rows: Rows | None = None):
    return SklearnLearner().learn(
        of, *real.halves(rows or real.rows("penguins", "mixed", "binary")), lambda _step: None
    )


def test_presets_are_those_of_the_spec():
    assert set(PRESETS) == set(PRESET_TASKS)
    for preset, tasks in PRESET_TASKS.items():
        made = PRESETS[preset]
        assert bool(made.regressor) == ("regression" in tasks)
        assert bool(made.classifier) == ("binary" in tasks)


@pytest.mark.parametrize(("preset", "task"), real.CASES)
def test_the_seed_and_the_parameters_are_set(preset, task):
    made = make_estimator(plan(preset, task, seed=11)).get_params()
    assert made.get("random_state", 11) == 11
    for name, value in real.SMALL.get(preset, {}).items():
        assert made[name] == value


@pytest.mark.parametrize("param", ["random_state", "n_jobs", "categorical_features", "warm_start", "verbose"])
def test_what_is_not_the_specs_to_set(param):
    with pytest.raises(BadSpec, match=f"'{param}' cannot be set: .*; remove it"):
        make_estimator(plan("random-forest" if param == "n_jobs" else HIST, params={param: 1}))


def test_an_unknown_parameter_is_named_with_the_valid_ones():
    with pytest.raises(BadSpec, match=r"hist-gradient-boosting has no parameter 'max_itr'; it has .*max_iter"):
        make_estimator(plan(params={"max_itr": 1}))


def test_a_value_that_does_not_fit_is_a_mistake_of_the_spec():
    with pytest.raises(BadSpec, match=r"'learning_rate' parameter .* must be"):
        learn(plan(params={"learning_rate": "fast"}))


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("no_such_module:make", "cannot be made: No module named"),
        ("sklearn.ensemble:NoSuchThing", "cannot be made: .*NoSuchThing"),
        ("sklearn.pipeline:Pipeline", "cannot be made: .*steps"),
        ("collections:OrderedDict", "gives OrderedDict, which is no scikit-learn estimator"),
    ],
)
def test_a_factory_that_makes_none(name, sentence):
    with pytest.raises(BadSpec, match=sentence):
        make_estimator(plan(name, params={}))


def test_a_class_may_be_a_factory():
    made = make_estimator(plan("sklearn.ensemble:HistGradientBoostingClassifier", params={"max_iter": 3}, seed=4))
    assert isinstance(made, HistGradientBoostingClassifier)
    assert (made.max_iter, made.random_state) == (3, 4)


def test_only_the_source_of_a_users_own_counts():
    assert source_hash(HIST) is None
    assert len(source_hash("sklearn.ensemble:ExtraTreesClassifier") or "") == 64


def test_a_users_own_estimator_gets_no_null():
    """ExtraTrees would take NaN, and its ONNX form would answer otherwise."""
    learned = learn(plan("sklearn.ensemble:ExtraTreesClassifier", params={"n_estimators": 5}))
    assert learned.parity["label_mismatches"] == 0


def pipeline_of_trees():
    return make_pipeline(SimpleImputer(), HistGradientBoostingClassifier(max_iter=5))


def test_a_users_own_pipeline_is_made_exact_too():
    random = np.random.default_rng(1)
    x = (1e6 + random.normal(size=600)).astype(np.float32)
    rows = Rows({"x": x}, np.where(x % 1 + random.normal(size=600) > 0.5, "a", "b").astype(object))
    schema = Schema("m", "binary", "y", (Feature("x", "number"),))
    learned = learn(plan("tests.unit.training.test_estimators:pipeline_of_trees", params={}, schema=schema), rows)
    assert learned.parity["rows"] == 400
    assert learned.parity["label_mismatches"] == 0


def test_without_probabilities_there_is_no_classifier():
    with pytest.raises(BadSpec, match="gives no probabilities; wrap it in CalibratedClassifierCV"):
        learn(plan("sklearn.linear_model:RidgeClassifier", params={}))


def test_what_onnx_cannot_express_is_told():
    with pytest.raises(BadSpec, match="cannot be exported to ONNX"):
        learn(plan("tests.unit.training.test_estimators:unknown_to_onnx", params={}))


class Unknown(HistGradientBoostingClassifier):
    """skl2onnx goes by the class, so it does not know this one."""


def unknown_to_onnx() -> Unknown:
    return Unknown(max_iter=2)


def test_a_pipeline_that_the_converter_stumbles_over_is_told():
    with pytest.raises(BadSpec, match="cannot be exported to ONNX"):
        learn(plan("tests.unit.training.test_estimators:passes_through", params={}))


def passes_through():
    return make_pipeline("passthrough", HistGradientBoostingClassifier(max_iter=5))


def test_a_feature_called_as_an_output_is_refused():
    rows = Rows({"probabilities": np.arange(40, dtype=np.float32)}, np.array(["a", "b"] * 20, object))
    schema = Schema("m", "binary", "y", (Feature("probabilities", "number"),))
    with pytest.raises(BadSpec, match="'probabilities' has the name of a model's output"):
        learn(plan(schema=schema), rows)


def test_a_note_tells_of_what_did_not_converge():
    learned = learn(plan("logistic-regression", params={"max_iter": 1}))
    assert any("failed to converge" in note for note in learned.notes)


# search -----------------------------------------------------------------------------------------------------


def search(space, **more):
    return plan(params={}, search={"space": space, **more})


def test_a_search_finds_what_does_better():
    space = {"max_iter": [1, 40], "learning_rate": [0.0001, 0.2]}
    learned = learn(search(space, budget=4, cv=3))
    assert learned.params == {"max_iter": 40, "learning_rate": 0.2}


def test_a_search_is_the_same_twice():
    space = {"max_iter": {"low": 2, "high": 20, "log": True}, "learning_rate": {"low": 0.01, "high": 0.5, "log": True}}
    one, other = (learn(search(space, budget=3, cv=2)) for _ in range(2))
    assert one.params == other.params
    assert isinstance(one.params["max_iter"], int)
    assert one.onnx == other.onnx


def test_a_search_in_order_of_time_judges_later_rows_by_earlier_ones():
    declared = plan(params={}, search={"space": {"max_iter": [2, 3]}, "cv": 3}, in_order=True)
    assert learn(declared).params["max_iter"] in {2, 3}


def test_a_regression_is_searched_too():
    declared = plan(HIST, "regression", params={}, search={"space": {"max_iter": [1, 30]}})
    assert learn(declared, real.rows("penguins", "mixed", "regression")).params == {"max_iter": 30}


@pytest.mark.parametrize(
    ("declared", "sentence"),
    [
        ({}, "search needs a space"),
        ({"space": []}, "search needs a space"),
        ({"space": {"max_iter": [1]}, "bugdet": 3}, "no field 'bugdet'"),
        ({"space": {"max_itr": [1]}}, "no parameter 'max_itr'"),
        ({"space": {"random_state": [1]}}, "'random_state' cannot be set"),
        ({"space": {"max_iter": []}}, "'max_iter' must be a list of values"),
        ({"space": {"max_iter": {"low": 1}}}, "'max_iter' must be a list of values"),
        ({"space": {"max_iter": {"low": 5, "high": 2}}}, "low must be below high"),
        ({"space": {"learning_rate": {"low": 0, "high": 1, "log": True}}}, "above 0 where log"),
        ({"space": {"max_iter": [1]}, "budget": 0}, "budget 0 must be"),
        ({"space": {"max_iter": [1]}, "cv": 1}, "cv 1 must be"),
    ],
)
def test_a_wrong_search_is_told(declared, sentence):
    with pytest.raises(BadSpec, match=sentence):
        read_space(plan(params={}, search=declared), HistGradientBoostingClassifier())


def test_rows_that_cannot_be_divided_are_told():
    rows = real.rows("penguins", "mixed", "binary").take(np.arange(30))
    rows = Rows(rows.columns, np.array(["a"] * 28 + ["b"] * 2, object))
    with pytest.raises(BadInput, match="cannot learn from these rows"):
        learn(search({"max_iter": [1, 2]}, cv=29), rows)


@settings(deadline=None)
@given(st.integers(1, 50), st.integers(1, 500), st.booleans(), st.integers(0, 2**31))
def test_whole_draws_are_whole_and_within(low, width, log, seed):
    draws = [Range(low, low + width, log=log).rvs(random_state=np.random.RandomState(seed)) for _ in range(20)]
    assert all(isinstance(draw, int) and low <= draw <= low + width for draw in draws)


@settings(deadline=None)
@given(st.floats(1e-6, 1.0), st.floats(1e-3, 10.0), st.booleans(), st.integers(0, 2**31))
def test_draws_lie_within(low, width, log, seed):
    draw = Range(low, low + width, log=log).rvs(random_state=np.random.RandomState(seed))
    assert low * (1 - 1e-12) <= draw <= (low + width) * (1 + 1e-12)
