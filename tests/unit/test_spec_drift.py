"""The `drift` section of a spec: what it means to the domain, and its mistakes with line and mend."""

from __future__ import annotations

import pytest

from core.domain.drift.strategy import LEAST, USUAL, Rules
from core.spec import ModelSpec
from core.spec_drift import Drift
from core.specfile import check_spec

SPEC = """\
model: m
task: binary
target: y
features:
  - {name: distance, type: number}
  - {name: carrier, type: category}
"""


@pytest.fixture
def problems(tmp_path):
    def found(text):
        path = tmp_path / "m.yaml"
        path.write_text(SPEC + text)
        return [(each.line, each.field, f"{each.problem}; {each.mend}") for each in check_spec(path)[1]]

    return found


def drift(**fields):
    return Drift.model_validate(fields)


def test_the_defaults_are_those_of_the_domain():
    assert drift().rules() == Rules()


def test_a_test_of_numbers_leaves_categories_their_usual_tests():
    rules = drift(default={"test": "wasserstein", "effect": 0.5, "scale": "iqr", "nulls": 0.2}).rules()
    assert rules.features.numbers.least == {"wasserstein": 0.5, "nulls": 0.2}
    assert rules.features.numbers.scale == "iqr"
    assert rules.features.categories.least == {**USUAL.categories.least, "nulls": 0.2}
    assert rules.outputs == USUAL


def test_the_usual_tests_are_tuned_by_one_effect():
    least = drift(default={"test": "usual", "effect": 0.16}).rules().features.numbers.least
    assert least == {test: 2 * LEAST[test] for test in ("ks", "wasserstein", "psi", "js")} | {"nulls": 0.08}


def test_features_predictions_and_seasons_have_their_own():
    rules = drift(
        features={"distance": {"test": "none"}, "carrier": {"test": "g", "effect": 0.3}},
        predictions={"test": "psi"},
        multivariate={"test": "none"},
        season="none",
        importance=0.2,
        false_alarms=0.01,
    ).rules()
    assert not rules.columns["distance"].numbers.least
    assert rules.columns["carrier"].categories.least == {"g": 0.3, "nulls": 0.08, "unseen": 0.08}
    assert set(rules.outputs.numbers.least) == {"psi", "nulls"}
    assert (rules.joint, rules.season, rules.importance, rules.false_alarms) == (None, None, 0.2, 0.01)


def test_it_survives_being_stored_with_a_claim():
    given = {"model": "m", "task": "regression", "target": "y", "features": [{"name": "x", "type": "number"}]}
    spec = ModelSpec.model_validate({**given, "drift": {"features": {"x": {"test": "ks", "effect": 0.3}}}})
    assert ModelSpec.model_validate(spec.model_dump(mode="json")) == spec
    assert "drift" not in spec.learning()


@pytest.mark.parametrize(
    ("text", "line", "field", "told"),
    [
        ("drift:\n  default: {test: kl}\n", 8, "drift.default", "has the unknown test 'kl'; use one of 'usual', 'ks'"),
        ("drift:\n  default: {effect: 1}\n", 8, "drift.default", "does not say which test; add `test: usual`"),
        ("drift:\n  default: ks\n", 8, "drift.default", "must be a mapping"),
        ("drift: {features: [distance]}\n", 7, "drift.features", "must be a mapping"),
        ("drift:\n  default: {test: ks, efect: 1}\n", 8, "drift.default.efect", "did you mean `effect`?"),
        (
            "drift:\n  default: {test: ks, scale: sd}\n",
            8,
            "drift.default.scale",
            "the fields here are nulls, unseen, test",
        ),
        (
            "drift:\n  features:\n    distance:\n      test: wasserstein\n      scale: mad\n",
            11,
            "drift.features.distance.scale",
            "must be 'sd' or 'iqr'",
        ),
        (
            "drift:\n  features:\n    distance: {test: ks, effect: 2}\n",
            9,
            "drift.features.distance.effect",
            "must be less than or equal to 1",
        ),
        (
            "drift: {features: {dist: {test: ks}}}\n",
            7,
            "drift.features.dist",
            "no feature; name one of distance, carrier",
        ),
        (
            "drift: {features: {carrier: {test: ks}}}\n",
            7,
            "drift.features.carrier.test",
            "is ks, and carrier is of type category; use one of chi2, g, psi, js",
        ),
        ("drift: {season: week}\n", 7, "drift.season", "needs a time column; declare `time:`"),
        ("drift: {season: moon}\n", 7, "drift.season", "must be 'none', 'day', 'week' or 'year'"),
        ("drift: {false_alarms: 0.5}\n", 7, "drift.false_alarms", "must be less than or equal to 0.1"),
        ("drift: {multivariate: {test: pca}}\n", 7, "drift.multivariate", "use one of 'reconstruction', 'none'"),
        ("drift: {seasn: week}\n", 7, "drift.seasn", "did you mean `season`?"),
    ],
)
def test_every_mistake_is_told_with_its_line_and_mend(problems, text, line, field, told):
    ((at, where, sentence),) = problems(text)
    assert (at, where) == (line, field)
    assert told in sentence
