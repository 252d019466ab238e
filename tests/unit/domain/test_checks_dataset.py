"""Every check of a dataset, both ways."""

from dataclasses import replace

import numpy as np
import pytest

from core.domain.checks.check import MIN_ROWS, Check
from core.domain.checks.dataset import MAX_REJECTED, ColumnFacts, DatasetFacts, judge
from core.domain.profile import Profile
from core.domain.schema import Feature, Schema
from core.domain.sketch import CategoryCounts, NumberSketch

SCHEMA = Schema(
    model="m",
    task="binary",
    target="left",
    id="customer",
    features=(Feature("age", "number", nullable=True), Feature("city", "category", nullable=True)),
)


def numbers(low: float, high: float, *, nulls: int = 0, rows: int = 100) -> ColumnFacts:
    quantiles = () if nulls == rows else tuple(np.linspace(low, high, 101).tolist())
    return ColumnFacts(rows, nulls, quantiles=quantiles)


def cities(nulls: int = 0, **counts: int) -> ColumnFacts:
    return ColumnFacts(sum(counts.values()) + nulls, nulls, values=counts)


FACTS = DatasetFacts(
    rows=100,
    rejected=0,
    repeated_ids=0,
    repeated_id=None,
    targets=2,
    violations={},
    columns={"age": numbers(0, 100), "city": cities(Bath=60, York=40)},
)


def profile(age: list[float], city: list[str]) -> Profile:
    features = {
        "age": NumberSketch.of(np.array(age, np.float32)),
        "city": CategoryCounts.of(np.array(city, dtype=object)),
    }
    return Profile("m", len(age), 0, features, {})


REFERENCE = profile([*range(101)], ["Bath"] * 50 + ["York"] * 51)


def found(facts: DatasetFacts, reference: Profile | None = None, schema: Schema = SCHEMA) -> dict[tuple, Check]:
    return {(check.check, check.column): check for check in judge(facts, schema, reference)}


def with_column(name: str, column: ColumnFacts) -> DatasetFacts:
    return replace(FACTS, columns={**FACTS.columns, name: column})


def test_a_good_dataset_passes_every_check():
    checks = found(FACTS, REFERENCE)
    assert all(check.passed for check in checks.values())
    assert {name for name, _ in checks} == {
        "rows",
        "rejected rows",
        "unique id",
        "target varies",
        "values",
        "has values",
        "nulls as before",
        "range seen",
        "categories seen",
    }


def test_without_an_id_nothing_is_said_of_one():
    assert ("unique id", None) not in found(FACTS, schema=replace(SCHEMA, id=None))
    assert all(name != "unique id" for name, _ in found(FACTS, schema=replace(SCHEMA, id=None)))


@pytest.mark.parametrize(("rows", "passed"), [(1, False), (MIN_ROWS - 1, False), (MIN_ROWS, True)])
def test_few_rows_are_a_warning_since_other_files_have_more(rows, passed):
    check = found(replace(FACTS, rows=rows))["rows", None]
    assert (check.passed, check.severity) == (passed, "warning")
    assert check.detail == f"{rows} rows, at least 20 are needed"


def test_a_file_without_any_row_is_broken():
    check = found(replace(FACTS, rows=0))["rows", None]
    assert (check.passed, check.severity) == (False, "error")


@pytest.mark.parametrize(("rejected", "passed"), [(0, True), (25, True), (26, False)])
def test_share_of_rejected_rows(rejected, passed):
    assert MAX_REJECTED == 0.2
    check = found(replace(FACTS, rejected=rejected))["rejected rows", None]
    assert (check.passed, check.severity) == (passed, "error")


def test_repeated_ids():
    check = found(replace(FACTS, repeated_ids=1_234, repeated_id="c-7"))["unique id", "customer"]
    assert (check.passed, check.severity) == (False, "error")
    assert check.detail == "1,234 rows have an id that occurs before, such as 'c-7'"


@pytest.mark.parametrize(("targets", "passed"), [(0, False), (1, False), (2, True)])
def test_a_file_of_one_target_is_a_warning_since_other_files_have_others(targets, passed):
    check = found(replace(FACTS, targets=targets))["target varies", "left"]
    assert (check.passed, check.severity) == (passed, "warning")


def test_values_against_the_spec():
    checks = found(replace(FACTS, violations={("age", "is above the maximum 90"): 3, ("city", "is missing"): 1}))
    assert ("values", None) not in checks
    assert checks["values", "age"].detail == "age is above the maximum 90 in 3 rows"
    assert not checks["values", "age"].passed
    assert not checks["values", "city"].passed


def test_a_column_of_nulls_is_a_warning():
    check = found(with_column("age", numbers(0, 0, nulls=100)))["has values", "age"]
    assert (check.passed, check.severity) == (False, "warning")


@pytest.mark.parametrize(
    ("nulls", "passed", "severity"),
    [(0, True, "warning"), (20, True, "warning"), (21, False, "warning"), (100, False, "error")],
)
def test_nulls_against_the_reference(nulls, passed, severity):
    checks = found(with_column("age", numbers(0, 100, nulls=nulls)), REFERENCE)
    check = checks["nulls as before", "age"]
    assert (check.passed, check.severity) == (passed, severity)
    assert (("range seen", "age") in checks) == (nulls < 100)


def test_a_column_that_was_mostly_null_may_be_so():
    reference = profile([float("nan")] * 90 + [*range(10)], ["Bath"] * 100)
    check = found(with_column("age", numbers(0, 9, nulls=100)), reference)["nulls as before", "age"]
    assert (check.passed, check.severity) == (True, "warning")


@pytest.mark.parametrize(
    ("low", "high", "passed", "severity"),
    [
        (0, 100, True, "warning"),
        (50, 50, True, "warning"),
        (0, 104, True, "warning"),
        (0, 120, False, "warning"),
        (150, 180, False, "warning"),
        (273, 373, False, "error"),
        (-500, -150, False, "error"),
    ],
)
def test_range_against_the_reference(low, high, passed, severity):
    check = found(with_column("age", numbers(low, high)), REFERENCE)["range seen", "age"]
    assert (check.passed, check.severity) == (passed, severity)


def test_a_constant_reference_does_not_make_the_neighbouring_value_an_error():
    check = found(with_column("age", numbers(8, 8)), profile([7.0] * 50, ["Bath"] * 50))["range seen", "age"]
    assert (check.passed, check.severity) == (False, "warning")


@pytest.mark.parametrize(
    ("counts", "passed", "severity"),
    [
        ({"Bath": 100}, True, "warning"),
        ({"Bath": 90, "Rome": 10}, True, "warning"),
        ({"Bath": 89, "Rome": 11}, False, "warning"),
        ({"Bath": 10, "Rome": 90}, False, "warning"),
        ({"Bath": 9, "Rome": 91}, False, "error"),
    ],
)
def test_categories_against_the_reference(counts, passed, severity):
    check = found(with_column("city", cities(**counts)), REFERENCE)["categories seen", "city"]
    assert (check.passed, check.severity) == (passed, severity)


def test_categories_are_not_called_unseen_when_the_reference_did_not_keep_all():
    many = profile([1.0] * 5_000, [f"city {number}" for number in range(5_000)])
    assert many.features["city"].other
    assert found(with_column("city", cities(Rome=100)), many)["categories seen", "city"].passed


def test_a_feature_that_the_serving_version_does_not_have_is_compared_with_nothing():
    schema = replace(SCHEMA, features=(*SCHEMA.features, Feature("new", "number")))
    checks = found(with_column("new", numbers(0, 1)), REFERENCE, schema)
    assert ("has values", "new") in checks
    assert ("range seen", "new") not in checks
