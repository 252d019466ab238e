"""The check as a whole: it is quiet while nothing changes, and finds what does."""

from dataclasses import replace
from typing import Any, cast

import numpy as np
import pytest
from numpy.typing import NDArray

from core.domain.columns import Outputs
from core.domain.drift.check import ALPHA, LEAST_SHARE, Comparison, Window, compare
from core.domain.profile import Profile, build
from core.domain.schema import NULL_CATEGORY, Feature, FeatureType, Schema

Data = tuple[dict[str, NDArray[Any]], Outputs]
KINDS: dict[str, FeatureType] = {
    **{f"normal{number}": "number" for number in range(4)},
    "skewed": "number",
    "mostly_zero": "number",
    "hour": "integer",
    "nulls": "number",
    "seldom_null": "number",
    "constant": "number",
    "flag": "boolean",
    "three": "category",
    "zipf": "category",
    "long_tail": "category",
    "user": "category",
}
SCHEMA = Schema(
    model="m", task="binary", target="y", features=tuple(Feature(name, kind) for name, kind in KINDS.items())
)


def rows(rng: np.random.Generator, count: int) -> Data:
    """Every kind of column that is known to cry wolf somewhere."""
    normal = {f"normal{number}": rng.normal(size=count) for number in range(4)}
    numbers = {
        **normal,
        "skewed": rng.exponential(size=count),
        "mostly_zero": np.where(rng.random(count) < 0.9, 0, rng.exponential(size=count)),
        "hour": rng.integers(0, 24, count),
        "nulls": np.where(rng.random(count) < 0.05, np.nan, normal["normal0"]),
        "seldom_null": np.where(rng.random(count) < 0.001, np.nan, normal["normal1"]),
        "constant": np.ones(count),
        "flag": rng.random(count) < 0.3,
    }
    categories = {
        "three": drawn(rng, 3, 0, count),
        "zipf": drawn(rng, 100, 1, count),
        "long_tail": drawn(rng, 5000, 1, count),
        "user": drawn(rng, 20_000, 0, count),
    }
    positive = rng.beta(1, 3, count).astype(np.float32)
    labels = np.where(positive > 0.5, "true", "false").astype(object)
    columns = {name: np.asarray(values, dtype=np.float32) for name, values in numbers.items()}
    return {**columns, **categories}, Outputs(labels, np.stack([1 - positive, positive], axis=1))


def drawn(rng: np.random.Generator, categories: int, skew: float, count: int) -> NDArray[np.object_]:
    shares = 1 / np.arange(1, categories + 1) ** skew
    names = np.array([f"category {number}" for number in range(categories)], dtype=object)
    return names[rng.choice(categories, count, p=shares / shares.sum())]


def profile(data: Data) -> Profile:
    return build(SCHEMA, data[0], data[1], ("false", "true"))


def check(known: Profile, data: Data, min_rows: int = 500) -> Comparison:
    return compare(Window(known).plus(*data), min_rows)


def drifted(comparison: Comparison) -> set[str]:
    return {column.name for column in (*comparison.features, *comparison.outputs) if column.drifted}


@pytest.fixture(scope="module")
def known() -> Profile:
    return profile(rows(np.random.default_rng(1), 20_000))


def test_windows_of_the_reference_raise_no_alarm() -> None:
    """354 checks, 17 columns each; the number of false alarms has mean 0.4 at the most when alpha holds."""
    rng = np.random.default_rng(0)
    alarms, checks = 0, 0
    for size in (2_000, 20_000, 100_000):
        for window, repeats in ((500, 60), (2_000, 40), (10_000, 15), (50_000, 2), (100_000, 1)):
            reference = profile(rows(rng, size))
            for _ in range(repeats):
                alarms += check(reference, rows(rng, window)).drifted
                checks += 1
    assert checks == 354
    assert alarms <= 0.01 * checks


def test_the_share_of_false_alarms_is_below_alpha_without_a_least_effect(monkeypatch: pytest.MonkeyPatch) -> None:
    """The statistics alone, without the least effect that hides their mistakes, at an alpha that can be measured."""
    monkeypatch.setattr("core.domain.drift.check.ALPHA", 0.1)
    monkeypatch.setattr("core.domain.drift.check.LEAST_SHARE", 0)
    monkeypatch.setattr("core.domain.drift.check.LEAST_INDEX", 0)
    rng = np.random.default_rng(2)
    alarms = sum(check(profile(rows(rng, 5_000)), rows(rng, 1_000)).drifted for _ in range(150))
    assert alarms <= 150 * 0.1 + 2.5 * np.sqrt(150 * 0.1 * 0.9)


@pytest.mark.parametrize("column", ["normal0", "nulls"])
def test_a_shift_of_0_3_standard_deviations_is_found_at_2000_rows(known: Profile, column: str) -> None:
    rng = np.random.default_rng(3)
    found = 0
    for _ in range(40):
        columns, outputs = rows(rng, 2_000)
        columns[column] = columns[column] + np.float32(0.3)
        found += drifted(check(known, (columns, outputs))) == {column}
    assert found >= 39


@pytest.mark.parametrize("column", ["three", "zipf"])
def test_15_points_moved_between_categories_are_found_at_2000_rows(known: Profile, column: str) -> None:
    rng = np.random.default_rng(4)
    found = 0
    for _ in range(40):
        columns, outputs = rows(rng, 2_000)
        columns[column] = moved(rng, columns[column], 0.15, "category 2")
        found += drifted(check(known, (columns, outputs))) == {column}
    assert found >= 39


def moved(rng: np.random.Generator, values: NDArray[Any], share: float, to: object) -> NDArray[Any]:
    """`share` of all rows, taken from those that are not `to`, become `to`."""
    changed = values.copy()
    others = np.flatnonzero(values != to)
    changed[rng.choice(others, int(share * len(values)), replace=False)] = to
    return changed


@pytest.mark.parametrize(
    ("column", "to", "test"),
    [
        ("normal0", np.nan, "nulls"),
        ("three", NULL_CATEGORY, "nulls"),
        ("flag", np.nan, "nulls"),
        ("three", "never seen", "unseen"),
        ("zipf", "never seen", "unseen"),
        ("flag", 1.0, "chi2"),
        ("user", "category 7", "chi2"),
        ("constant", 3.0, "ks"),
        ("constant", -3.0, "ks"),
        ("normal0", np.inf, "ks"),
        ("normal0", -np.inf, "psi"),
        ("mostly_zero", 50.0, "ks"),
    ],
)
def test_what_changes_is_found_and_named(known: Profile, column: str, to: object, test: str) -> None:
    rng = np.random.default_rng(5)
    columns, outputs = rows(rng, 2_000)
    columns[column] = moved(rng, columns[column], 0.15, to)
    comparison = check(known, (columns, outputs))
    assert drifted(comparison) == {column}
    assert test in next(found.found for found in comparison.features if found.name == column)


def test_nulls_and_unseen_values_are_counted(known: Profile) -> None:
    rng = np.random.default_rng(6)
    columns, outputs = rows(rng, 1_000)
    columns["three"][:7] = NULL_CATEGORY
    columns["three"][7:10] = "never seen"
    found = {column.name: column for column in check(known, (columns, outputs)).features}
    assert (found["three"].nulls, found["three"].unseen) == (7, 3)
    assert (found["normal0"].nulls, found["normal0"].unseen) == (0, 0)
    assert found["user"].unseen is None


def test_a_model_that_answers_otherwise_has_drifted(known: Profile) -> None:
    columns, outputs = rows(np.random.default_rng(7), 2_000)
    positive = cast("Any", outputs.probabilities)[:, 1] * 0.5
    changed = Outputs(outputs.labels, np.stack([1 - positive, positive], axis=1))
    assert drifted(check(known, (columns, changed))) == {"probability_true"}


def test_a_change_of_scale_is_found_though_its_median_stays(known: Profile) -> None:
    columns, outputs = rows(np.random.default_rng(8), 2_000)
    columns["normal0"] = columns["normal0"] * np.float32(1.6)
    assert drifted(check(known, (columns, outputs))) == {"normal0"}


def test_a_small_change_is_certain_and_no_alarm(known: Profile) -> None:
    columns, outputs = rows(np.random.default_rng(9), 100_000)
    columns["normal0"] = columns["normal0"] + np.float32(0.1)
    comparison = check(known, (columns, outputs))
    assert comparison.features[0].q["ks"] < ALPHA
    assert comparison.features[0].effect < LEAST_SHARE
    assert not comparison.drifted


def test_too_few_rows_are_no_alarm(known: Profile) -> None:
    columns, outputs = rows(np.random.default_rng(10), 400)
    columns["normal0"] = columns["normal0"] + 5
    assert not check(known, (columns, outputs)).drifted
    assert drifted(check(known, (columns, outputs), min_rows=400)) == {"normal0"}


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 0.0])
def test_columns_of_one_value_are_compared(value: float) -> None:
    columns, outputs = rows(np.random.default_rng(11), 1_000)
    same = {**columns, "normal0": np.full(1_000, value, np.float32)}
    known = profile((same, outputs))
    assert drifted(check(known, (same, outputs))) == set()
    assert drifted(check(known, (columns, outputs))) == {"normal0"}


def test_a_column_that_became_all_null_has_drifted(known: Profile) -> None:
    columns, outputs = rows(np.random.default_rng(12), 1_000)
    columns["three"] = np.full(1_000, NULL_CATEGORY, dtype=object)
    columns["hour"] = np.full(1_000, np.nan, dtype=np.float32)
    assert drifted(check(known, (columns, outputs))) == {"three", "hour"}


def test_an_empty_window_finds_nothing(known: Profile) -> None:
    columns, outputs = rows(np.random.default_rng(13), 0)
    assert not check(known, (columns, outputs), min_rows=0).drifted
    assert compare(Window(known), min_rows=0) == Comparison((), ())


def test_a_window_in_parts_is_judged_as_one(known: Profile) -> None:
    rng = np.random.default_rng(14)
    first, second = rows(rng, 700), rows(rng, 800)
    columns = {name: np.concatenate((first[0][name], second[0][name])) for name in first[0]}
    outputs = Outputs(
        *(np.concatenate([getattr(part[1], name) for part in (first, second)]) for name in ("labels", "probabilities"))
    )
    parts = Window(known).plus(*first).plus(*second)
    assert compare(parts, 500) == check(known, (columns, outputs))
    assert parts.rows == 1_500


def test_a_regression_is_checked_by_its_prediction() -> None:
    columns, _ = rows(np.random.default_rng(15), 3_000)
    answers = Outputs(prediction=columns["normal0"])
    known = build(replace(SCHEMA, task="regression"), columns, answers)
    moved_answers = Outputs(prediction=columns["normal0"] + 1)
    assert drifted(compare(Window(known).plus(columns, moved_answers), 500)) == {"prediction"}


def test_the_json_is_that_of_the_contract(known: Profile) -> None:
    shown = check(known, rows(np.random.default_rng(16), 1_000)).features[0].to_json()
    assert {"name", "drifted", "tests", "effect", "nulls", "unseen"} <= set(shown)
    assert set(shown["tests"]) == {"ks", "psi"}
    assert set(shown["tests"]["ks"]) == {"statistic", "p", "q"}
