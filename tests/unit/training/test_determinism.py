"""The same rows, plan and libraries give the same bytes in any process, on any number of cores and with any kernel."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import skops.io
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

from core.training.answering import answer
from core.training.exact import round_down, significant
from core.training.learner import LIBRARIES, SklearnLearner
from core.training.stored import TRUSTED, to_skops

from . import real

ROOT = Path(__file__).parents[3]
MACHINES = (
    {"PYTHONHASHSEED": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "OPENBLAS_CORETYPE": "Haswell"},
    {"PYTHONHASHSEED": "2", "OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "2", "OPENBLAS_CORETYPE": "Nehalem"},
)
"""Other processes, cores and processors, as far as one machine can act them."""


def test_every_preset_has_the_same_bytes_everywhere():
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.unit.training.learn_again"],
            cwd=ROOT,
            env={**os.environ, **machine},
            stdout=subprocess.PIPE,
            text=True,
        )
        for machine in MACHINES
    ]
    one, other = (json.loads(process.communicate(timeout=300)[0]) for process in processes)
    assert len(one) == len(real.CASES) + 1
    assert one == other


def test_another_seed_makes_other_bytes():
    halves = real.halves(real.rows("penguins", "mixed", "binary"))
    plans = [real.plan("penguins", "mixed", "binary", "random-forest", seed=seed) for seed in (1, 2)]
    one, other = (SklearnLearner().learn(plan, *halves, lambda _step: None) for plan in plans)
    assert one.onnx != other.onnx


@pytest.mark.parametrize(("preset", "task"), real.CASES)
def test_what_is_stored_answers_as_what_was_learned(preset, task):
    plan = real.plan("penguins", "mixed", task, preset)
    training, holdout = real.halves(real.rows("penguins", "mixed", task))
    learned = SklearnLearner().learn(plan, training, holdout, lambda _step: None)
    assert set(skops.io.get_untrusted_types(data=learned.estimator)) <= set(TRUSTED)
    again = answer(skops.io.loads(learned.estimator, trusted=list(TRUSTED)), holdout.columns, plan.schema)
    if task == "regression":
        np.testing.assert_array_equal(again.prediction, learned.outputs.prediction)
    else:
        np.testing.assert_array_equal(again.probabilities, learned.outputs.probabilities)


def test_an_archive_tells_neither_time_nor_place():
    pipelines = [Pipeline([("model", LogisticRegression().fit([[0.0], [1.0], [2.0]], ["a", "b", "b"]))]) for _ in "ab"]
    assert to_skops(pipelines[0]) == to_skops(pipelines[1])


def test_the_environment_names_what_bytes_depend_on():
    found = SklearnLearner().environment("random-forest")
    assert set(found) == {"python", *LIBRARIES}
    assert found["python"].count(".") == 1


FLOATS = st.floats(width=32, allow_nan=False)


@settings(deadline=None)
@given(st.floats(allow_nan=False, min_value=-3e38, max_value=3e38), st.lists(FLOATS, min_size=1))
def test_a_rounded_threshold_decides_every_float32_as_before(threshold, values):
    rounded = round_down(np.array([threshold]))[0]
    near = [np.nextafter(np.float32(threshold), np.float32(way)) for way in (-np.inf, 0, np.inf)]
    for value in [*map(np.float32, values), *near, np.float32(threshold)]:
        assert (float(value) <= threshold) == (value <= np.float32(rounded))


@settings(deadline=None)
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_significant_digits(value):
    assert significant(value) == pytest.approx(value, rel=5e-6, abs=5e-324)
    assert significant(significant(value)) == significant(value)
