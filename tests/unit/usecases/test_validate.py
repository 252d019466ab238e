"""A dataset is judged against its spec and against what the serving version learned from."""

import json
from dataclasses import replace

import pytest

from core import layout
from core.adapters.store_memory import MemoryStore
from core.domain.canonical import canonical_json, sha256
from core.domain.columns import Outputs
from core.domain.model import PROFILE, ModelManifest
from core.domain.profile import build
from core.domain.route import Route
from core.domain.validation import ValidationReport
from core.errors import Corrupt, NotFound
from core.tables.columns import to_columns

from . import dropped
from .dropped import MODEL, Site, row


def judged(site: Site, records: list, name: str = "may.csv") -> ValidationReport:
    report = site.validate(site.took(dropped.csv(records), name).dataset)
    assert report is not None
    return report


def failed(report: ValidationReport) -> set[tuple[str, str | None, str]]:
    return {(check.check, check.column, check.severity) for check in report.checks if not check.passed}


def serve(site: Site, records: list) -> None:
    """Let a version serve that learned from these rows."""
    scratch = Site(spec=site.spec)
    columns = to_columns(scratch.table(scratch.took(dropped.csv(records))), site.spec.columns)
    profile = build(site.spec.columns, columns, Outputs(prediction=columns["income"])).encode()
    manifest = ModelManifest(MODEL, "0" * 16, site.spec.columns, (), {}, {PROFILE: sha256(profile)}, len(records), 0)
    models = site.stores["models"]
    models.put(layout.model_file(MODEL, manifest.version, PROFILE), profile)
    models.put(layout.model_manifest(MODEL, manifest.version), canonical_json(manifest.to_json()))
    models.put(layout.route(MODEL), Route(model=MODEL, champion=manifest.version).encode())


def varied(count: int, **changes) -> list:
    cities = ("Bath", "York", "Wells")
    varying = ({"age": str(20 + n % 50), "income": str(1000 + n), "city": cities[n % 3]} for n in range(1, count + 1))
    return [row(number, **{**one, **changes}) for number, one in enumerate(varying, start=1)]


def test_a_good_dataset_is_valid_and_its_report_says_so():
    site = Site()
    report = judged(site, varied(50))
    assert report.valid
    assert failed(report) == set()
    stored = json.loads(site.stores["reports"].get(layout.validation_report(MODEL, report.dataset)).data)
    assert stored["valid"] is True
    assert (stored["rows"], stored["dataset"], stored["code"]) == (50, report.dataset, dropped.CODE)


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        (varied(19), {("rows", None, "warning")}),
        ([*varied(50), *varied(2)], {("unique id", "customer", "error")}),
        ([*varied(30), *varied(10, age="x")], {("rejected rows", None, "error")}),
        (varied(50, left="no"), {("target varies", "left", "warning")}),
        (varied(50, sex=None), set()),
        ([{**one, "city": None} for one in varied(50)], {("has values", "city", "warning")}),
    ],
)
def test_what_is_wrong_is_told(records, expected):
    report = judged(Site(), records)
    assert failed(report) == expected
    assert report.valid == all(severity == "warning" for *_, severity in expected)


def test_a_repeated_id_is_counted_and_named():
    report = judged(Site(), [*varied(50), row(7), row(9), row(7)])
    assert report.problems == ("3 rows have an id that occurs before, such as 'c-7'",)


def test_without_a_serving_version_there_is_nothing_to_compare_with():
    names = {check.check for check in judged(Site(), varied(50)).checks}
    assert names == {"rows", "rejected rows", "unique id", "target varies", "values", "has values"}


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        (varied(60), set()),
        (
            [{**one, "income": str(float(one["income"]) + 5)} for one in varied(60)],
            {("range seen", "income", "warning")},
        ),
        (
            [{**one, "income": str(float(one["income"]) * 1000)} for one in varied(60)],
            {("range seen", "income", "error")},
        ),
        (
            [{**one, "city": None} for one in varied(60)],
            {("nulls as before", "city", "error"), ("has values", "city", "warning")},
        ),
        (
            [{**one, "city": None if number % 3 else "Bath"} for number, one in enumerate(varied(60))],
            {("nulls as before", "city", "warning")},
        ),
        (
            [{**one, "city": "Rome" if number % 3 else "Bath"} for number, one in enumerate(varied(60))],
            {("categories seen", "city", "warning")},
        ),
        ([{**one, "city": "Rome"} for one in varied(60)], {("categories seen", "city", "error")}),
        ([{**one, "mobile": "false"} for one in varied(60)], {("categories seen", "mobile", "error")}),
    ],
)
def test_comparison_with_what_the_serving_version_learned_from(records, expected):
    site = Site()
    serve(site, varied(60))
    report = judged(site, records)
    assert failed(report) == expected
    assert report.valid == all(severity == "warning" for *_, severity in expected)


def test_a_repeated_event_finds_the_report_even_when_another_version_serves():
    site = Site()
    receipt = site.took(dropped.csv(varied(50)))
    first = site.validate(receipt.dataset)
    serve(site, [{**one, "city": "Rome"} for one in varied(60)])
    before = site.state()
    assert site.validate(receipt.dataset) == first
    assert site.state() == before


class Racing(MemoryStore):
    """Another validation finishes just before this one."""

    def __init__(self, theirs: bytes) -> None:
        super().__init__()
        self.theirs = theirs

    def create(self, key, data):
        super().put(key, self.theirs)
        return super().create(key, data)


def test_of_two_validations_at_once_the_first_report_stands():
    site = Site()
    receipt = site.took(dropped.csv(varied(50)))
    report = site.validate(receipt.dataset)
    theirs = replace(report, code="another")
    site.stores["reports"] = Racing(theirs.encode())
    assert site.validate(receipt.dataset) == theirs


def test_labels_are_not_judged():
    site = Site()
    receipt = site.took(dropped.csv([{"customer": "c-1", "left": "yes"}]), drop="labels")
    assert site.validate(receipt.dataset) is None
    assert list(site.stores["reports"].list("churn/validation/")) == []


def test_a_dataset_of_other_columns_is_invalid():
    site = Site()
    receipt = site.took(dropped.csv(varied(50)))
    site.spec = dropped.spec(sensitive=[], drop=["email", "sex"])
    report = site.validate(receipt.dataset)
    assert not report.valid
    assert report.problems == ("the spec's columns have changed since this was ingested; drop its file again",)


def test_a_dataset_whose_rows_break_the_spec_is_invalid():
    """However that came about: ingest lets no such row in."""
    site = Site(spec=dropped.spec(features=[{"name": "age", "type": "integer"}], undeclared="drop"))
    receipt = site.took(dropped.csv([*varied(50), row(51, age="200"), row(52, age="300")]))
    site.spec = dropped.spec(features=[{"name": "age", "type": "integer", "max": 130}], undeclared="drop")
    manifest = replace(site.manifest(receipt), schema=site.spec.columns)
    site.stores["datasets"].put(layout.dataset_manifest(MODEL, manifest.version), manifest.encode())
    report = site.validate(receipt.dataset)
    assert report.problems == ("age is above the maximum 130 in 2 rows",)


def test_a_dataset_that_is_not_there_is_not_found():
    with pytest.raises(NotFound):
        Site().validate("0" * 16)


@pytest.mark.parametrize("change", ["damaged", "missing"])
def test_a_part_that_does_not_match_the_manifest_is_corrupt(change):
    site = Site()
    receipt = site.took(dropped.csv(varied(50)))
    key = layout.dataset_part(MODEL, str(receipt.dataset), 0)
    if change == "damaged":
        site.stores["datasets"].put(key, site.stores["datasets"].get(key).data + b"x")
    else:
        site.stores["datasets"].delete(key)
    with pytest.raises(Corrupt, match=r"drop churn/rows/may.csv again"):
        site.validate(receipt.dataset)
    assert list(site.stores["reports"].list("churn/validation/")) == []


def test_the_manifest_is_of_a_newer_format():
    site = Site()
    receipt = site.took(dropped.csv(varied(50)))
    key = layout.dataset_manifest(MODEL, str(receipt.dataset))
    newer = json.loads(site.stores["datasets"].get(key).data) | {"format": 2}
    site.stores["datasets"].put(key, canonical_json(newer))
    with pytest.raises(Corrupt, match="update Tidemill"):
        site.validate(receipt.dataset)
