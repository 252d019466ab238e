"""What users expect of a dataset: rules between columns, SQL, Python, freshness; and how schemas evolve."""

import json
from datetime import datetime, timedelta

import pytest

from core import layout
from core.adapters.store_memory import MemoryStore
from core.errors import BadSpec, Transient
from core.ports import ObjectStore
from core.usecases.expectations import mistakes
from core.usercode import user_function

from . import dropped
from .dropped import MODEL, Site, row

RULE = {"columns": ["age", "income"], "rule": "income >= age * 10"}
PLANS = {"name": "few are paid", "sql": "select plan, count(*) as n from rows group by plan having count(*) < 5"}


def judged(site: Site, records: list, name: str = "may.csv"):
    report = site.validate(site.took(dropped.csv(records), name).dataset)
    assert report is not None
    return report


def asked(report, *kinds: str):
    return [check for check in report.checks if check.check in (kinds or ("rule", "expectation", "freshness"))]


def people(count: int = 40, **changes) -> list:
    return [row(n, age=str(20 + n), income=str(1000 + n), **changes) for n in range(1, count + 1)]


def test_a_rule_that_holds_in_every_row_passes():
    report = judged(Site(spec=dropped.spec(checks=[RULE])), people())
    (check,) = asked(report)
    assert (check.check, check.severity, check.passed) == ("rule", "error", True)
    assert check.detail == "income >= age * 10 holds in every row"
    assert report.valid


def test_rows_that_break_a_rule_make_the_dataset_invalid_and_are_shown():
    records = people()
    records[3] = row(4, age="130", income="5")
    report = judged(Site(spec=dropped.spec(checks=[RULE])), records)
    (check,) = asked(report)
    assert not report.valid
    assert check.detail == "income >= age * 10 fails in 1 rows"
    (example,) = check.examples
    assert (example["customer"], example["age"], example["income"]) == ("c-4", 130, 5.0)


def test_examples_show_no_sensitive_column_and_at_most_five_rows():
    report = judged(Site(spec=dropped.spec(checks=[{"columns": ["age"], "rule": "age < 0"}])), people())
    (check,) = asked(report)
    assert check.detail == "age < 0 fails in 40 rows"
    assert len(check.examples) == 5
    assert all("sex" not in example and "email" not in example for example in check.examples)
    assert b"anne" not in report.encode()


@pytest.mark.parametrize(
    ("sql", "shown"),
    [
        ("select sex as s, age from rows", [{"age": 21}]),
        ("select count(*) as n from rows", [{"n": 40}]),
        ("select count(*) as n from rows where SEX = 'f'", []),
        ("select customer, 2 * age as twice from rows", [{"customer": "c-1", "twice": 42}]),
    ],
)
def test_what_is_derived_from_a_sensitive_column_is_not_shown(sql, shown):
    report = judged(Site(spec=dropped.spec(expectations=[{"name": "all", "sql": f"{sql} limit 1"}])), people())
    (check,) = asked(report)
    assert not check.passed
    assert list(check.examples) == shown


def test_a_rule_does_not_apply_where_a_value_is_missing():
    records = [row(n, age=str(20 + n), income=None) for n in range(1, 41)]
    report = judged(Site(spec=dropped.spec(checks=[RULE])), records)
    (check,) = asked(report)
    assert check.passed


def test_a_warning_is_told_and_the_dataset_stays_valid():
    report = judged(Site(spec=dropped.spec(expectations=[{**PLANS, "severity": "warning"}])), people(3))
    (check,) = asked(report)
    assert report.valid
    assert not check.passed
    assert check.detail == "few are paid: 1 rows are not as expected"
    assert check.examples == ({"plan": "free", "n": 3},)


def test_times_and_odd_numbers_are_shown_as_json_has_them():
    sql = "select since, 'nan'::double as odd, repeat('x', 300) as long, interval 1 day as span, null as none from rows"
    report = judged(Site(spec=dropped.spec(expectations=[{"name": "all", "sql": sql}])), people(3))
    example = json.loads(report.encode())["checks"][-1]["examples"][0]
    assert example["since"] == "2026-01-02T03:04:05+00:00"
    assert (example["odd"], example["none"]) == ("nan", None)
    assert example["long"] == "x" * 200 + "…"
    assert example["span"] == "1 day, 0:00:00"


def test_a_report_with_examples_is_read_back():
    site = Site(spec=dropped.spec(expectations=[PLANS]))
    report = judged(site, people(3))
    assert site.validate(report.dataset) == report


PYTHON = """
import pyarrow.compute as pc

def young(batches):
    for batch in batches:
        for row in batch.filter(pc.less(batch.column("age"), 25)).to_pylist():
            yield {"customer": row["customer"], "age": row["age"], "sex": row["sex"]}

def broken(batches):
    return [1 / 0]

def wrong_shape(batches):
    return [3]

value = 3
"""


@pytest.fixture
def functions(tmp_path, request):
    name = f"expectations_{request.node.name.partition('[')[0]}"
    (tmp_path / f"{name}.py").write_text(PYTHON)
    return tmp_path, name


def with_python(functions, function, wrap=lambda _, store: store):
    folder, module = functions
    expectations = [{"name": "none is young", "python": f"{module}:{function}"}]
    return Site(spec=dropped.spec(expectations=expectations), functions=folder, wrap=wrap)


def test_a_function_of_the_user_gets_the_rows_and_gives_what_is_not_as_expected(functions):
    report = judged(with_python(functions, "young"), people())
    (check,) = asked(report)
    assert not report.valid
    assert check.detail == "none is young: 4 rows are not as expected"
    assert check.examples[0] == {"customer": "c-1", "age": 21}


@pytest.mark.parametrize(
    ("function", "sentence"),
    [
        ("broken", r"expectation 'none is young' failed with ZeroDivisionError: division by zero; mend .*:broken"),
        ("wrong_shape", r"failed with TypeError"),
        ("missing", r"cannot be imported: .*missing"),
        ("value", r"is no function"),
    ],
)
def test_a_mistake_in_a_function_is_the_specs_and_no_verdict_is_given(functions, function, sentence):
    site = with_python(functions, function)
    receipt = site.took(dropped.csv(people()))
    with pytest.raises(BadSpec, match=sentence):
        site.validate(receipt.dataset)
    assert list(site.stores["reports"].list(layout.validation_reports(MODEL))) == []


def test_a_store_that_fails_meanwhile_is_no_mistake_of_the_function(functions):
    class Flaky(MemoryStore):
        reads = 0

        def get(self, key):
            if key.endswith(".parquet"):
                self.reads += 1
                if self.reads > 2:
                    raise Transient("the store is away.")
            return super().get(key)

    flaky: ObjectStore = Flaky()
    site = with_python(functions, "young", lambda zone, store: flaky if zone == "datasets" else store)
    receipt = site.took(dropped.csv(people()))
    flaky.reads = 1
    with pytest.raises(Transient):
        site.validate(receipt.dataset)


def test_sql_that_fails_on_these_rows_is_a_mistake_of_the_spec():
    site = Site(spec=dropped.spec(expectations=[{"name": "codes", "sql": "select customer::int as n from rows"}]))
    with pytest.raises(BadSpec, match=r"expectation 'codes' cannot be run: .*Could not convert.*; mend the spec"):
        judged(site, people())


# mistakes that are told without any rows


@pytest.mark.parametrize(
    ("declared", "where", "problem"),
    [
        ({"checks": [{"columns": ["age"], "rule": "age >="}]}, ("checks", 0, "rule"), "syntax error"),
        ({"checks": [{"columns": ["age"], "rule": "age + 1"}]}, ("checks", 0, "rule"), "is of type"),
        ({"checks": [{"columns": ["age"], "rule": "income > 1"}]}, ("checks", 0, "rule"), '"income" not found'),
        (
            {"checks": [RULE, {"columns": ["age"], "rule": "1); drop table (rows"}]},
            ("checks", 1, "rule"),
            "syntax error",
        ),
        ({"expectations": [{"name": "x", "sql": "select z from rows"}]}, ("expectations", 0, "sql"), '"z" not found'),
        ({"expectations": [{"name": "x", "sql": "drop table rows"}]}, ("expectations", 0, "sql"), "one SELECT"),
        ({"expectations": [{"name": "x", "python": "nowhere:f"}]}, ("expectations", 0, "python"), "No module"),
    ],
)
def test_mistakes_are_found_without_rows(declared, where, problem, tmp_path):
    found = list(mistakes(dropped.spec(**declared), lambda name: user_function(name, tmp_path)))
    assert [place for place, *_ in found] == [where]
    assert problem in found[0][1]


def test_what_is_right_has_no_mistakes(functions):
    folder, module = functions
    expectations = [PLANS, {"name": "young", "python": f"{module}:young"}]
    spec = dropped.spec(checks=[RULE], expectations=expectations)
    assert list(mistakes(spec, lambda name: user_function(name, folder))) == []


# freshness


@pytest.mark.parametrize(("age", "fresh"), [(timedelta(hours=1), True), (timedelta(days=3), False)])
def test_the_newest_row_must_not_be_older_than_the_spec_says(age, fresh):
    site = Site(spec=dropped.spec(freshness="2d"))
    newest = (datetime.now().astimezone() - age).isoformat()
    report = judged(site, [*people(39), row(40, since=newest)])
    (check,) = asked(report)
    assert (check.column, check.passed) == ("since", fresh)
    assert report.valid == fresh
    assert "old when it arrived, 2d are allowed" in check.detail


def test_how_fresh_rows_are_does_not_depend_on_when_that_is_asked():
    site = Site(spec=dropped.spec(freshness="2d"))
    receipt = site.took(dropped.csv(people()))
    first = site.validate(receipt.dataset)
    site.stores["reports"].delete(layout.validation_report(MODEL, receipt.dataset))
    assert site.validate(receipt.dataset) == first


# evolution


def test_the_first_dataset_and_one_of_the_same_columns_tell_of_no_change():
    site = Site()
    assert judged(site, people(), "may.csv").evolution is None
    assert judged(site, people(41), "june.csv").evolution is None


def test_a_dataset_of_other_columns_tells_how_they_differ_from_the_valid_one_before():
    site = Site()
    first = judged(site, people(), "may.csv")
    judged(site, [{**one, "age": "-1"} for one in people()] + people(9), "broken.csv")
    features = [{**dropped.SPEC["features"][0], "max": 150}, *dropped.SPEC["features"][1:3]]
    later = Site(stores=site.stores, spec=dropped.spec(features=features, undeclared="drop"))
    report = judged(later, people(41), "june.csv")
    assert report.evolution.since == first.dataset
    assert not report.evolution.compatible
    told = {(change.column, change.change): change.compatible for change in report.evolution.changes}
    assert told == {
        ("age", "allows a maximum of 150, was 130"): True,
        ("city", "is no feature any more"): False,
        ("mobile", "is no feature any more"): False,
        (None, "has undeclared: drop now, was refuse"): True,
    }
    assert site.validate(report.dataset) == report
