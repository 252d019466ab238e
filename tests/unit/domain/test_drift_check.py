"""The check as a whole: it is quiet while nothing changes, and finds what does."""

from dataclasses import replace
from typing import Any, cast

import numpy as np
import pytest

from core.domain.columns import Outputs
from core.domain.drift.check import Comparison, Window, compare
from core.domain.drift.strategy import FALSE_ALARMS, LEAST, OF_CATEGORIES, OF_NUMBERS, Kinds, Rules, Strategy, kinds
from core.domain.profile import Context, Profile, build
from core.domain.schema import NULL_CATEGORY
from tests.mixed_rows import SCHEMA, START, Data, in_season, moved, profile, rows, times


def check(known: Profile, data: Data, rules: Rules | None = None) -> Comparison:
    return compare(Window(known).plus(*data), rules)


def all_of(comparison: Comparison) -> list[Any]:
    return [*comparison.features, *comparison.outputs, *([comparison.joint] if comparison.joint else [])]


def drifted(comparison: Comparison) -> set[str]:
    """The columns that did; `normal0` and `nulls` are the same but for nulls, so that changing one parts them too."""
    return {column.name for column in (*comparison.features, *comparison.outputs) if column.drifted}


@pytest.fixture(scope="module")
def known() -> Profile:
    return profile(rows(np.random.default_rng(1), 20_000))


@pytest.mark.slow
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


@pytest.mark.slow
def test_the_share_of_false_alarms_is_below_alpha_without_a_least_effect() -> None:
    """The statistics alone, without the least effect that hides their mistakes, at an alpha that can be measured."""
    every = kinds((*OF_NUMBERS, *OF_CATEGORIES), 0, nulls=0, unseen=0)
    rules = Rules(false_alarms=0.1, features=every, outputs=every, joint=0)
    rng = np.random.default_rng(2)
    alarms = sum(check(profile(rows(rng, 5_000)), rows(rng, 1_000), rules).drifted for _ in range(150))
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
    assert comparison.features[0].q["ks"] < FALSE_ALARMS
    assert comparison.features[0].effect < LEAST["ks"]
    assert not comparison.drifted


def test_too_few_rows_are_no_alarm(known: Profile) -> None:
    columns, outputs = rows(np.random.default_rng(10), 400)
    columns["normal0"] = columns["normal0"] + 5
    assert not check(known, (columns, outputs)).drifted
    assert drifted(check(known, (columns, outputs), Rules(min_rows=400))) == {"normal0"}


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
    assert not check(known, (columns, outputs), Rules(min_rows=0)).drifted
    assert compare(Window(known), Rules(min_rows=0)).features == ()


def test_a_window_in_parts_is_judged_as_one(known: Profile) -> None:
    rng = np.random.default_rng(14)
    first, second = rows(rng, 700), rows(rng, 800)
    columns = {name: np.concatenate((first[0][name], second[0][name])) for name in first[0]}
    outputs = Outputs(
        *(np.concatenate([getattr(part[1], name) for part in (first, second)]) for name in ("labels", "probabilities"))
    )
    parts = Window(known).plus(*first).plus(*second)
    assert parts.rows == 1_500
    for part, whole in zip(all_of(compare(parts)), all_of(check(known, (columns, outputs))), strict=True):
        for test, result in part.tests.items():
            assert result.statistic == pytest.approx(whole.tests[test].statistic, rel=1e-9, abs=1e-12)
            assert result.p == pytest.approx(whole.tests[test].p, rel=1e-9)


def test_a_regression_is_checked_by_its_prediction() -> None:
    columns, _ = rows(np.random.default_rng(15), 3_000)
    answers = Outputs(prediction=columns["normal0"])
    known = build(replace(SCHEMA, task="regression"), columns, answers)
    moved_answers = Outputs(prediction=columns["normal0"] + 1)
    assert drifted(compare(Window(known).plus(columns, moved_answers))) == {"prediction"}


def test_the_json_is_that_of_the_contract(known: Profile) -> None:
    shown = check(known, rows(np.random.default_rng(16), 1_000)).features[0].to_json()
    assert {"name", "drifted", "tests", "effect", "nulls", "unseen"} <= set(shown)
    assert set(shown["tests"]) == {"ks", "wasserstein", "psi", "js"}
    assert set(shown["tests"]["ks"]) == {"statistic", "p", "q"}


def test_features_that_no_longer_go_together_are_found_though_each_is_as_before(known: Profile) -> None:
    columns, outputs = rows(np.random.default_rng(17), 2_000)
    columns["normal3"] = np.roll(columns["normal3"], 1)
    found = check(known, (columns, outputs))
    assert drifted(found) == set()
    assert found.joint is not None
    assert found.joint.found == ("ks",)
    assert found.drifted
    assert not check(known, (columns, outputs), Rules(joint=None)).drifted


def test_outliers_are_found_by_how_far_they_are(known: Profile) -> None:
    """A twentieth of the rows is too few for a share of rows, and far enough for a distance."""
    rng = np.random.default_rng(18)
    columns, outputs = rows(rng, 10_000)
    columns["normal0"] = moved(rng, columns["normal0"], 0.05, 30.0)
    found = next(column for column in check(known, (columns, outputs)).features if column.name == "normal0")
    assert found.found == ("wasserstein",)


def with_importance(**importance: float) -> Profile:
    data = rows(np.random.default_rng(1), 20_000)
    return profile(data, Context(importance=dict.fromkeys(SCHEMA.feature_names, 0.0) | importance))


@pytest.mark.parametrize(("worth", "alarm"), [(0.2, True), (0.01, False)])
def test_only_features_that_matter_alarm(worth: float, alarm: bool) -> None:
    known = with_importance(normal0=worth, normal1=1.0 - worth)
    columns, outputs = rows(np.random.default_rng(19), 2_000)
    columns["normal0"] = columns["normal0"] + 1
    found = check(known, (columns, outputs), Rules(joint=None))
    assert drifted(found) == {"normal0"}
    assert found.importance == pytest.approx(worth)
    assert found.drifted is alarm
    assert found.features[0].to_json()["importance"] == pytest.approx(worth)


def test_features_of_little_importance_matter_together() -> None:
    known = with_importance(normal0=0.03, normal1=0.03, skewed=0.94)
    columns, outputs = rows(np.random.default_rng(20), 2_000)
    changed = {name: columns[name] + 1 for name in ("normal0", "normal1")}
    assert check(known, ({**columns, **changed}, outputs), Rules(joint=None)).drifted


def test_a_season_is_compared_with_its_like() -> None:
    rng = np.random.default_rng(21)
    when = times(rng, 20_000, 56)
    known = profile(in_season(rows(rng, 20_000), when, rng), Context(times=when, output_times=when))
    for day in range(7):
        today = times(rng, 2_000, 1, START + np.timedelta64(day, "D"))
        window = Window(known).plus(*in_season(rows(rng, 2_000), today, rng), today)
        assert drifted(compare(window, Rules(season="week"))) == set()
        assert compare(window, Rules(season="week")).season == "week"
        found = compare(window, Rules(season=None))
        assert drifted(found) >= ({"normal0", "three"} if day >= 5 else set())
        assert found.season is None


def test_what_is_new_is_found_in_its_season_too() -> None:
    rng = np.random.default_rng(22)
    when = times(rng, 20_000, 56)
    known = profile(in_season(rows(rng, 20_000), when, rng), Context(times=when, output_times=when))
    saturday = times(rng, 2_000, 1, START + np.timedelta64(5, "D"))
    columns, outputs = in_season(rows(rng, 2_000), saturday, rng)
    columns["normal1"] = columns["normal1"] + np.float32(0.4)
    columns["three"] = moved(rng, columns["three"], 0.1, "never seen")
    found = compare(Window(known).plus(columns, outputs, saturday))
    assert drifted(found) == {"normal1", "three"}
    assert found.season == "week"


def test_a_season_that_the_reference_does_not_know_is_compared_with_all_of_it() -> None:
    rng = np.random.default_rng(23)
    when = times(rng, 5_000, 5)
    known = profile(rows(rng, 5_000), Context(times=when))
    sunday = times(rng, 1_000, 1, START + np.timedelta64(6, "D"))
    found = compare(Window(known).plus(*rows(rng, 1_000), sunday))
    assert found.season is None
    assert not found.drifted


def test_a_strategy_decides_which_tests_are_made_and_what_counts(known: Profile) -> None:
    columns, outputs = rows(np.random.default_rng(24), 5_000)
    columns["normal0"] = columns["normal0"] + np.float32(0.5)
    moved_by_one = kinds(("wasserstein",), 5, nulls=0.08, unseen=0.08)
    found = check(known, (columns, outputs), Rules(columns={"normal0": moved_by_one}, joint=None))
    assert drifted(found) == set()
    assert set(found.features[0].tests) == {"wasserstein"}
    assert found.features[0].tests["wasserstein"].statistic == pytest.approx(0.5, abs=0.05)
    untested = Kinds(Strategy({}), Strategy({}))
    assert not check(known, (columns, outputs), Rules(columns={"normal0": untested}, joint=None)).features[0].tests


def test_a_profile_of_format_1_is_compared_as_before() -> None:
    data = rows(np.random.default_rng(25), 20_000)
    bare = replace(profile(data), joint=None, correlations=None)
    columns, outputs = rows(np.random.default_rng(26), 2_000)
    columns["normal0"] = columns["normal0"] + np.float32(0.5)
    found = check(bare, (columns, outputs))
    assert drifted(found) == {"normal0"}
    assert found.importance == 1
    assert found.drifted


def test_how_features_go_together_is_not_judged_by_seasons_that_its_sample_hardly_knows() -> None:
    rng = np.random.default_rng(27)
    when = times(rng, 20_000, 56)
    known = profile(in_season(rows(rng, 20_000), when, rng), Context(times=when, output_times=when))
    noon = np.full(1_000, START + np.timedelta64(12, "h"))
    window = Window(known).plus(*in_season(rows(rng, 1_000), noon, rng), noon)
    found = compare(window, Rules(season="day"))
    assert (found.season, found.joint) == ("day", None)
    assert compare(window, Rules(season="week")).joint is not None
