"""How features go together: which are looked at, and what a row's error tells."""

from __future__ import annotations

import numpy as np
import pytest

from core.domain.joint import LEAST_ROWS, MOST, Joint, evenly, joint_of
from core.domain.profile import summarise
from core.domain.schema import NULL_CATEGORY


def columns(rng, count):
    """`y` goes with `x`, and `c` with both."""
    x = rng.normal(size=count)
    found = {
        "x": x,
        "y": 0.9 * x + 0.4 * rng.normal(size=count),
        "heavy": rng.standard_cauchy(count),
        "flag": rng.random(count) < 0.3,
        "one": np.ones(count),
    }
    made = {name: values.astype(np.float32) for name, values in found.items()}
    return {**made, "c": np.where(x > 0, "up", "down").astype(object), "user": names(rng, count)}


def names(rng, count):
    return np.array([f"user {number}" for number in rng.integers(0, 5_000, count)], dtype=object)


def summaries(found):
    kinds = {"c": "category", "user": "category", "flag": "boolean"}
    return {name: summarise(values, kinds.get(name, "number")) for name, values in found.items()}


@pytest.fixture(scope="module")
def learned():
    found = columns(np.random.default_rng(0), 10_000)
    return joint_of(found, summaries(found), {}, None), summaries(found)


def test_what_varies_and_is_known_is_looked_at_together(learned):
    assert learned[0].names == ("x", "y", "heavy", "flag", "c")


def test_the_features_that_matter_are_looked_at():
    found = columns(np.random.default_rng(1), 2_000)
    made = joint_of(found, summaries(found), {"x": 0.5, "y": 0.3, "heavy": 0.01, "flag": 0.19}, None)
    assert made.names == ("x", "y", "flag")
    assert joint_of(found, summaries(found), {"x": 1.0}, None) is None


def test_there_is_a_most():
    rng = np.random.default_rng(2)
    found = {f"x{number}": rng.normal(size=600).astype(np.float32) for number in range(MOST + 9)}
    assert len(joint_of(found, summaries(found), {}, None).names) == MOST


def test_too_few_rows_and_too_few_features_tell_nothing():
    found = columns(np.random.default_rng(3), LEAST_ROWS - 1)
    assert joint_of(found, summaries(found), {}, None) is None
    assert joint_of({}, {}, {}, None) is None
    alone = {"x": np.arange(1_000, dtype=np.float32), "one": np.ones(1_000, np.float32)}
    assert joint_of(alone, summaries(alone), {}, None) is None


def test_errors_of_other_rows_are_like_the_reference(learned):
    joint, known = learned
    errors = joint.of(columns(np.random.default_rng(4), 4_000), known)
    assert np.median(errors) == pytest.approx(joint.errors.quantile(0.5), rel=0.05)
    assert errors.mean() == pytest.approx(len(joint.names), rel=0.05)


def test_a_row_whose_bond_is_broken_has_a_large_error(learned):
    joint, known = learned
    row = {name: values[:1] for name, values in columns(np.random.default_rng(5), 1).items()}
    fits, broken = (
        {**row, "x": np.float32([1.5]), "y": np.float32([y]), "c": np.array(["up"], object)} for y in (1.4, -1.4)
    )
    assert joint.of(broken, known)[0] > 5 * joint.of(fits, known)[0]


def test_nulls_infinities_and_new_categories_are_borne(learned):
    joint, known = learned
    found = columns(np.random.default_rng(6), 9)
    found["x"][:3] = np.nan, np.inf, -np.inf
    found["c"][3:5] = NULL_CATEGORY, "sideways"
    found["flag"][5] = np.nan
    assert np.isfinite(joint.of(found, known)).all()


def test_it_survives_storage(learned):
    assert Joint.from_json(learned[0].to_json()) == learned[0]


def test_rows_are_chosen_evenly():
    assert evenly(5, 10).tolist() == [0, 1, 2, 3, 4]
    assert evenly(10, 4).tolist() == [0, 3, 6, 9]
    assert evenly(0, 4).tolist() == []
