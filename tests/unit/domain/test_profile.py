from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from core.domain import sketch
from core.domain.columns import Outputs
from core.domain.profile import FORMAT, MOST_PROBABILITIES, Context, Profile, build, merged_profile
from core.domain.schema import NULL_CATEGORY, Feature, Schema
from core.domain.sketch import CategoryCounts, NumberSketch
from core.errors import Corrupt

FEATURES = (Feature("x", "number"), Feature("n", "integer"), Feature("c", "category"), Feature("b", "boolean"))
BINARY = Schema(model="m", task="binary", target="y", features=FEATURES)


def columns(rows: int, rng: np.random.Generator) -> dict[str, NDArray[Any]]:
    return {
        "x": rng.normal(size=rows).astype(np.float32),
        "n": rng.integers(0, 10, rows).astype(np.float32),
        "c": rng.choice(np.array(["a", "é", NULL_CATEGORY], dtype=object), rows),
        "b": rng.choice(np.array([0, 1, np.nan], dtype=np.float32), rows),
    }


@st.composite
def floats(draw: st.DrawFn) -> NDArray[np.float32]:
    """A few drawn values, extremes among them, and up to 2,500 that are normal or repeat themselves."""
    drawn = draw(st.lists(st.floats(width=32), max_size=20))
    rng = np.random.default_rng(draw(st.integers(0, 9)))
    many = rng.normal(0, 10, draw(st.sampled_from([0, 3, 799, 801, 2500]))).round(draw(st.sampled_from([0, 2, 9])))
    return rng.permutation(np.concatenate((drawn, many)).astype(np.float32))


def answers(rows: int, rng: np.random.Generator, classes: tuple[str, ...] = ("false", "true")) -> Outputs:
    probabilities = rng.dirichlet(np.ones(len(classes)), rows).astype(np.float32)
    return Outputs(np.array(classes, dtype=object)[probabilities.argmax(axis=1)], probabilities)


@given(floats())
def test_a_sketch_holds_exact_counts_at_its_edges(values: NDArray[np.float32]) -> None:
    made = NumberSketch.of(values)
    kept = values[~np.isnan(values)]
    finite = np.clip(kept, -np.finfo(np.float32).max, np.finfo(np.float32).max)
    edges = np.array(made.edges, dtype=np.float32)
    assert (made.rows, made.count) == (len(values), len(kept))
    assert made.upto.tolist() == [(finite <= edge).sum() for edge in edges]
    assert made.below.tolist() == [(finite < edge).sum() for edge in edges]
    assert len(edges) <= sketch.EDGES
    if len(kept):
        assert (edges[0], edges[-1]) == (finite.min(), finite.max())
        assert made.resolution <= 1 / (sketch.EDGES - 2)


@given(floats(), st.floats(0, 1))
def test_a_quantile_is_off_by_at_most_the_resolution(values: NDArray[np.float32], share: float) -> None:
    made = NumberSketch.of(values)
    quantile = made.quantile(share)
    ordered = sketch.ordered_values(values)
    if quantile is None:
        assert not len(ordered)
    else:
        edge = np.float32(quantile)
        assert (ordered <= edge).mean() >= share - 1e-9
        assert (ordered < edge).mean() <= share + made.resolution + 1e-9


def test_few_distinct_values_are_kept_exactly() -> None:
    values = np.repeat(np.arange(300, dtype=np.float32), 70)
    made = NumberSketch.of(values)
    assert made.resolution == 0
    assert made.exact
    assert made.ties.tolist() == [70] * 300


@given(st.lists(st.sampled_from(["a", "b", "c", "ü", NULL_CATEGORY])))
def test_categories_are_counted(values: list[str]) -> None:
    made = CategoryCounts.of(np.array(values, dtype=object))
    assert made.nulls == values.count(NULL_CATEGORY)
    assert made.counts == {name: values.count(name) for name in set(values) - {NULL_CATEGORY}}
    assert made.buckets == ()


def test_booleans_are_categories() -> None:
    made = CategoryCounts.of(np.array([1, 0, np.nan, 1], dtype=np.float32))
    assert (made.counts, made.nulls) == ({"true": 2, "false": 1}, 1)


def test_many_categories_are_capped() -> None:
    values = np.array([f"user{row // 2}" for row in range(6001)] + ["often"] * 9, dtype=object)
    made = CategoryCounts.of(values)
    assert len(made.counts) == sketch.CATEGORIES
    assert next(iter(made.counts)) == "often"
    assert made.other + sum(made.counts.values()) == sum(made.buckets) == 6010


def test_long_categories_are_capped_by_bytes() -> None:
    made = CategoryCounts.of(np.array([letter * 10_000_000 for letter in "ab"] + ["c", "c"], dtype=object))
    assert made.counts == {"c": 2}
    assert made.other == 2


def test_a_profile_survives_storage_and_is_the_same_twice() -> None:
    rng = np.random.default_rng(0)
    made = build(BINARY, columns(5000, rng), answers(1000, rng), ("false", "true"), {"f1": {"value": 0.5}})
    assert Profile.decode(made.encode()) == made
    assert Profile.decode(made.encode()).encode() == made.encode()
    assert (made.rows, made.output_rows) == (5000, 1000)
    assert set(made.outputs) == {"label", "probability_true"}


def test_row_order_does_not_matter_but_for_which_rows_are_looked_at_together() -> None:
    rng = np.random.default_rng(0)
    data, given_ = columns(3000, rng), answers(3000, rng)
    order = rng.permutation(3000)
    shuffled = {name: values[order] for name, values in data.items()}
    again = Outputs(given_.labels[order], given_.probabilities[order])
    first, second = (build(BINARY, *each, ("no", "yes")) for each in ((data, given_), (shuffled, again)))
    assert replace(first, joint=None).encode() == replace(second, joint=None).encode()


@pytest.mark.parametrize(("classes", "probabilities"), [(3, 3), (MOST_PROBABILITIES + 1, 0)])
def test_every_class_has_its_probability_unless_there_are_many(classes: int, probabilities: int) -> None:
    rng = np.random.default_rng(0)
    names = tuple(f"class{number}" for number in range(classes))
    made = build(BINARY, columns(50, rng), answers(50, rng, names), names)
    assert len(made.outputs) == 1 + probabilities


def test_a_regression_is_profiled_by_its_prediction_in_either_shape() -> None:
    rng = np.random.default_rng(0)
    prediction = rng.normal(size=40).astype(np.float32)
    flat, tall = (
        build(BINARY, columns(50, rng), Outputs(prediction=shape)).outputs
        for shape in (prediction, prediction.reshape(-1, 1))
    )
    assert flat == tall
    assert set(flat) == {"prediction"}


def test_100_features_fit_in_2_mb() -> None:
    """Of small numbers, all of which matter, with a year of seasons."""
    rng, rows = np.random.default_rng(0), 20_000
    features = tuple(Feature(f"feature_{number}", "number") for number in range(100))
    data = {feature.name: rng.normal(0, 1e-4, rows).astype(np.float32) for feature in features}
    times = np.datetime64("2025-01-01", "us") + rng.integers(0, 365 * 86_400, rows).astype("m8[s]")
    schema = Schema(model="m", task="regression", target="y", features=features)
    importance = {feature.name: 0.123456 for feature in features}
    outputs = Outputs(prediction=data["feature_0"])
    made = build(schema, data, outputs, context=Context(data["feature_1"], times, times, importance))
    millions = replace(made, features={name: _of_millions(found) for name, found in made.features.items()})
    assert len(millions.encode()) <= 2_000_000
    assert Profile.decode(millions.encode()) == millions


def _of_millions(sketch: sketch.NumberSketch) -> sketch.NumberSketch:
    """As if there had been 2,000 times as many rows, which take more digits."""
    return replace(sketch, rows=sketch.rows * 2_000, gaps=sketch.gaps * 2_000, ties=sketch.ties * 2_000)


def test_a_profile_of_parts_is_one_of_the_whole() -> None:
    rng = np.random.default_rng(1)
    parts = [(columns(rows, rng), answers(rows, rng)) for rows in (700, 1_900, 40)]
    whole = {name: np.concatenate([data[name] for data, _ in parts]) for name in parts[0][0]}
    figures = {"f1": {"value": 0.5}}
    each = [build(BINARY, data, given, ("no", "yes"), figures) for data, given in parts]
    made = merged_profile(each)
    alone = build(BINARY, whole, answers(9, rng), ("no", "yes"), figures)
    assert (made.rows, made.output_rows, made.classes, made.performance) == (2_640, 2_640, ("no", "yes"), figures)
    assert made.correlations is not None
    assert alone.correlations is not None
    assert made.correlations.matrix == pytest.approx(alone.correlations.matrix, abs=1e-4)
    assert (made.features["c"], made.features["b"]) == (alone.features["c"], alone.features["b"])
    made_x, alone_x = made.features["x"], alone.features["x"]
    assert isinstance(made_x, NumberSketch)
    below, _ = sketch.located(sketch.ordered_values(whole["x"]), made_x.edges)
    assert np.abs(made_x.below - below).max() <= made_x.error <= made_x.count / 400
    assert (made_x.minimum, made_x.maximum) == (alone_x.minimum, alone_x.maximum)  # type: ignore[union-attr]
    assert made.joint is None
    assert Profile.decode(made.encode()) == made


def test_a_profile_of_format_1_is_read() -> None:
    stored = (Path(__file__).parent / "stored" / "profile-1.json").read_bytes()
    made = Profile.decode(stored)
    x, user = made.features["x"], made.features["user"]
    assert isinstance(x, NumberSketch)
    assert isinstance(user, CategoryCounts)
    assert (made.format, made.rows, made.output_rows, made.classes) == (FORMAT, 1_500, 300, ("false", "true"))
    assert made.performance == {"roc_auc": {"value": 0.7, "low": 0.65, "high": 0.75}}
    assert (x.rows, x.nulls, len(x.edges), int(x.upto[-1])) == (1_500, 30, 800, 1_470)
    assert (x.mean, x.deviation) == (pytest.approx(0, abs=0.1), pytest.approx(1, abs=0.1))
    assert sum(user.buckets) == 1_500
    assert (made.target, made.joint, made.seasons, made.importance) == (None, None, None, {})
    assert Profile.decode(made.encode()) == made


def test_importance_is_told_in_shares() -> None:
    rng = np.random.default_rng(0)
    known = build(BINARY, columns(9, rng), answers(9, rng), ("a", "b"))
    assert dict(known.shares) == {}
    assert replace(known, importance={"x": 0.375, "n": 0.125, "c": -0.2}).shares == {"x": 0.75, "n": 0.25, "c": 0.0}


@pytest.mark.parametrize("values", [[], [np.nan] * 5])
def test_nothing_can_be_summarised(values: list[float]) -> None:
    made = NumberSketch.of(np.array(values, dtype=np.float32))
    assert (made.minimum, made.maximum, made.quantile(0.5), made.count) == (None, None, None, 0)
    assert made.null_share == (1.0 if values else 0.0)


@pytest.mark.parametrize("stored", [b"", b"[]", b"{}", b'{"format":1}', b'{"format":2}', b'{"format":3}', b"\xff"])
def test_what_is_no_profile_is_corrupt(stored: bytes) -> None:
    with pytest.raises(Corrupt, match="profile"):
        Profile.decode(stored)
