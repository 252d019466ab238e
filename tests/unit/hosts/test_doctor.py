"""What the doctor says of data that validation refused."""

import pytest

from core import layout
from core.adapters.store_memory import MemoryStore
from core.domain.checks.check import Check
from core.domain.validation import ValidationReport
from core.hosts.local.doctor import examine
from core.hosts.local.queue import Queue
from core.layout import ZONES
from core.runtime import Runtime
from core.settings import Settings

SPEC = "model: m\ntask: binary\ntarget: y\nfeatures:\n  - {name: x, type: number}\n"


@pytest.fixture
def reports():
    return MemoryStore()


@pytest.fixture
def datasets(tmp_path, monkeypatch, reports):
    """What the doctor finds of datasets, as (check, ok, detail)."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "m.yaml").write_text(SPEC)
    stores = {zone: MemoryStore() for zone in ZONES} | {"reports": reports}
    runtime, queue = Runtime(Settings.from_env({}), stores=stores), Queue(tmp_path / "queue")

    def look():
        found = examine(runtime, queue)
        return [(one.check, one.ok, one.detail) for one in found if one.check.startswith("datasets")]

    yield look
    queue.close()


def judge(reports, dataset, problem=None):
    checks = () if problem is None else (Check("values", None, "error", passed=False, detail=problem),)
    report = ValidationReport("m", dataset, 50, checks, "c")
    reports.create(layout.validation_report("m", dataset), report.encode())


def test_nothing_is_said_of_valid_datasets(datasets, reports):
    judge(reports, "a")
    assert datasets() == []


def test_a_model_without_any_valid_dataset_is_not_well_and_the_last_says_why(datasets, reports):
    judge(reports, "b", "x is missing")
    judge(reports, "a", "x is odd")
    told = "2 datasets were found invalid, the last because x is odd (see reports/m/validation/a.json)"
    assert datasets() == [("datasets m", False, f"0 valid; {told}")]


def test_invalid_datasets_beside_valid_ones_are_told(datasets, reports):
    judge(reports, "b")
    judge(reports, "a", "x is odd")
    told = "1 dataset was found invalid because x is odd (see reports/m/validation/a.json)"
    assert datasets() == [("datasets m", True, f"1 valid; {told}")]


def test_a_report_that_cannot_be_read_is_told(datasets, reports):
    reports.create(layout.validation_report("m", "a"), b"{")
    ((check, ok, detail),) = datasets()
    assert (check, ok) == ("datasets models/m.yaml", False)
    assert "cannot be read" in detail
