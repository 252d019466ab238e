import json

import pytest

from core.domain.checks.check import Check
from core.domain.receipt import Receipt
from core.domain.validation import ValidationReport
from core.errors import Corrupt

RECEIPT = Receipt("m", "s", "m/rows/a.csv", "7", "ingested", "0f", 5, 1)
REPORT = ValidationReport(
    "m",
    "0f",
    30,
    (
        Check("rows", None, "error", passed=True, detail="30 rows"),
        Check("range", "x", "warning", passed=False, detail="out"),
    ),
    "0.1.0",
)


@pytest.mark.parametrize("value", [RECEIPT, REPORT])
def test_what_is_written_is_read_back(value):
    assert type(value).decode(value.encode()) == value


@pytest.mark.parametrize("value", [RECEIPT, REPORT])
def test_a_newer_format_is_told(value):
    newer = json.dumps({**json.loads(value.encode()), "format": value.format + 1}).encode()
    with pytest.raises(Corrupt, match=f"has format {value.format + 1}, beyond {value.format}: update Tidemill"):
        type(value).decode(newer)


@pytest.mark.parametrize("value", [RECEIPT, REPORT])
@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"format": 1}', b"\xff", b"null", b'{"format": 1, "x": 2}'])
def test_what_is_none_is_told(value, data):
    with pytest.raises(Corrupt, match="cannot be read"):
        type(value).decode(data)


def test_a_warning_leaves_a_dataset_valid_and_an_error_does_not():
    assert REPORT.valid
    assert REPORT.problems == ()
    failed = Check("rows", None, "error", passed=False, detail="too few")
    report = ValidationReport("m", "0f", 3, (*REPORT.checks, failed), "0.1.0")
    assert not report.valid
    assert report.problems == ("too few",)
    assert json.loads(report.encode())["valid"] is False


def test_a_validation_report_of_format_1_is_read_still():
    stored = json.loads(REPORT.encode())
    del stored["evolution"]
    for check in stored["checks"]:
        del check["examples"]
    assert ValidationReport.decode(json.dumps({**stored, "format": 1}).encode()) == REPORT
