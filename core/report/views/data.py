"""Data quality: what was dropped, what was rejected and why, and which datasets are valid."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ...domain.checks.check import Check
from ...domain.checks.expectation import asked
from ...domain.receipt import Receipt
from ...domain.validation import ValidationReport
from ..facts import ModelFacts
from ..wording import count, percent, plural

REASONS = 20
"""Reasons that are told, the most frequent ones."""
CHANGES = 40
EXPECTATIONS = 40
EXAMPLES = 3
"""Changes of columns, expectations, and examples of each that are told."""
LONGEST = 160
"""Characters of an example."""
DECLARED = frozenset({"rule", "expectation", "freshness"})
"""Checks that somebody wrote into the spec."""


def view(facts: ModelFacts) -> dict[str, Any]:
    """What the page of data shows."""
    reasons: Counter[str] = Counter()
    for found in facts.rejected.values():
        reasons.update(found)
    most = max(reasons.values(), default=1)
    return {
        "finding": finding(facts),
        "files": [_file(receipt) for receipt in facts.receipts],
        "reasons": [(reason, rows, rows / most) for reason, rows in reasons.most_common(REASONS)],
        "more_reasons": max(len(reasons) - REASONS, 0),
        "datasets": [_dataset(facts, report) for report in facts.validations],
        "changes": list(_changes(facts)),
        "expectations": _expectations(facts.validations),
    }


def finding(facts: ModelFacts) -> str:
    """How much of the data can be used; a sentence."""
    if not facts.receipts and not facts.validations:
        return "No data has been dropped yet"
    rejected = sum(receipt.rejected for receipt in facts.receipts)
    rows = sum(receipt.rows for receipt in facts.receipts) + rejected
    refused = sum(receipt.outcome == "refused" for receipt in facts.receipts)
    invalid = sum(not report.valid for report in facts.validations)
    newest = next(iter(facts.validations), None)
    breaks = newest is not None and newest.evolution is not None and not newest.evolution.compatible
    told = [plural(invalid, "dataset") + " cannot be learned from"] if invalid else []
    told += [f"{plural(refused, 'file was', 'files were')} refused"] if refused else []
    told += [f"{count(rejected)} of {plural(rows, 'row')} rejected ({percent(rejected / rows)})"] if rejected else []
    told += ["the newest columns break with those before"] if breaks else []
    return "; ".join(told) if told else f"All {plural(rows, 'row')} can be used"


def _changes(facts: ModelFacts) -> Iterator[dict[str, Any]]:
    """How the columns of each dataset differ from those before, newest first, what breaks before what does not."""
    changed = [report for report in facts.validations if report.evolution is not None]
    rows = [
        {
            "dataset": report.dataset,
            "since": evolution.since,
            "column": change.column or "the schema",
            "change": change.change,
            "compatible": change.compatible,
        }
        for report in changed
        if (evolution := report.evolution) is not None
        for change in sorted(evolution.changes, key=lambda change: change.compatible)
    ]
    yield from rows[:CHANGES]


def _expectations(reports: Sequence[ValidationReport]) -> list[dict[str, Any]]:
    """What the spec expects, how it was met by the newest dataset that it was asked of, and how often it was not."""
    found: dict[str, list[Check]] = {}
    for report in reports:
        for check in report.checks:
            if check.check in DECLARED:
                name = f"{check.column} is fresh" if check.check == "freshness" else asked(check)
                found.setdefault(name, []).append(check)
    told = [_expectation(name, checks) for name, checks in found.items()]
    return sorted(told, key=lambda row: (row["passed"], -row["failed"]))[:EXPECTATIONS]


def _expectation(name: str, checks: Sequence[Check]) -> dict[str, Any]:
    newest = checks[0]
    failed = sum(not check.passed for check in checks)
    return {
        "name": name,
        "kind": newest.check,
        "passed": newest.passed,
        "severity": newest.severity,
        "detail": newest.detail,
        "failed": failed,
        "asked": len(checks),
        "examples": [_example(example) for example in newest.examples[:EXAMPLES]],
    }


def _example(row: Mapping[str, Any]) -> str:
    """A row that failed, in a line."""
    text = ", ".join(f"{column} {value}" for column, value in row.items())
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _file(receipt: Receipt) -> dict[str, Any]:
    return {
        "name": receipt.key.partition("/")[2],
        "outcome": receipt.outcome,
        "rows": receipt.rows,
        "rejected": receipt.rejected,
        "told": receipt.reason or ("dropped before with the same content" if receipt.duplicate else ""),
    }


def _dataset(facts: ModelFacts, report: ValidationReport) -> dict[str, Any]:
    manifest = facts.datasets.get(report.dataset)
    warnings = [check.detail for check in report.checks if not check.passed and check.severity == "warning"]
    return {
        "version": report.dataset,
        "source": manifest.source.key.rpartition("/")[2] if manifest else "",
        "rows": report.rows,
        "valid": report.valid,
        "checks": len(report.checks),
        "problems": report.problems,
        "warnings": warnings,
    }
